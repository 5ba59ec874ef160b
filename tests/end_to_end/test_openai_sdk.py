"""The OpenAI SDK against the platform with its real engine."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.end_to_end.running import Running

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}


@pytest.fixture
def client(platform: Running) -> Iterator[openai.OpenAI]:
    """Give the SDK's client, with the platform's first key."""
    with openai.OpenAI(base_url=f"{platform.base_url}/v1", api_key=platform.key, max_retries=0, timeout=30) as client:
        yield client


def test_an_answer_has_text_reasoning_and_usage(client: openai.OpenAI, platform: Running) -> None:
    """A whole answer comes with what was thought, and its usage is what the books say."""
    raw = client.chat.completions.with_raw_response.create(
        model="seedling", messages=[{"role": "user", "content": "Hello"}]
    )
    answer = raw.parse()
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content
    assert answer.choices[0].message.model_extra is not None
    assert answer.choices[0].message.model_extra["reasoning_content"]
    assert answer.usage is not None
    assert answer.id == raw.headers["x-request-id"]
    row = platform.call_row(answer.id)
    assert (row["ending"], row["status"], row["protocol"]) == ("completed", 200, "openai_chat")
    assert row["input_tokens"] + row["cached_input_tokens"] == answer.usage.prompt_tokens
    assert row["output_tokens"] == answer.usage.completion_tokens
    assert answer.usage.completion_tokens_details is not None
    assert row["reasoning_tokens"] == answer.usage.completion_tokens_details.reasoning_tokens


def test_a_stream_says_the_same_as_a_whole_answer(client: openai.OpenAI) -> None:
    """Streamed and whole answers are the same text, and the stream ends with its usage."""
    asked: Any = {"model": "seedling", "messages": [{"role": "user", "content": "What is Setaria?"}]}
    whole = client.chat.completions.create(**asked)
    text, reasoning, usage, finish = "", "", None, None
    for chunk in client.chat.completions.create(**asked, stream=True):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += (choice.delta.model_extra or {}).get("reasoning_content") or ""
            finish = choice.finish_reason or finish
    message = whole.choices[0].message
    assert (text, finish) == (message.content, whole.choices[0].finish_reason)
    assert reasoning == (message.model_extra or {})["reasoning_content"]
    assert usage is not None
    assert whole.usage is not None
    assert usage.completion_tokens == whole.usage.completion_tokens


def test_thinking_can_be_switched_off(client: openai.OpenAI) -> None:
    """With thinking disabled there is no reasoning and none is counted."""
    answer = client.chat.completions.create(
        model="seedling",
        messages=[{"role": "user", "content": "Hello"}],
        extra_body={"thinking": {"type": "disabled"}},
    )
    assert "reasoning_content" not in (answer.choices[0].message.model_extra or {})
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0


@pytest.mark.parametrize("thinking", ["enabled", "disabled"])
def test_the_tool_loop_of_the_reference_runs_to_its_end(client: openai.OpenAI, thinking: str) -> None:
    """The documented example makes the call, and its result is in the final answer."""
    messages: list[Any] = [
        {
            "role": "assistant",
            "content": "Hello! I am MiMo.",
            "reasoning_content": "Okay, the user just asked me to introduce myself.",
        },
        {"role": "user", "content": "What is the weather like in Hebei?"},
    ]
    asked: Any = {"model": "seedling", "tools": [WEATHER], "extra_body": {"thinking": {"type": thinking}}}
    first = client.chat.completions.create(messages=messages, max_completion_tokens=1024, **asked)
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    call: Any = choice.message.tool_calls[0]
    assert call.function.name == "get_current_weather"
    assert json.loads(call.function.arguments)["location"] == "Hebei"
    messages.append(choice.message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 22, "condition": "sunny"}'})
    second = client.chat.completions.create(messages=messages, temperature=1.0, **asked)
    assert second.choices[0].finish_reason == "stop"
    assert "22" in (second.choices[0].message.content or "")


def test_a_streamed_tool_call_is_assembled_by_the_sdk(client: openai.OpenAI) -> None:
    """The SDK's own stream helper puts the call together."""
    with client.chat.completions.stream(
        model="seedling", messages=[{"role": "user", "content": "What is the weather like in Paris?"}], tools=[WEATHER]
    ) as stream:
        stream.until_done()
        answer = stream.get_final_completion()
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert json.loads(calls[0].function.arguments) == {"location": "Paris"}


def test_a_stop_string_ends_the_answer_and_is_not_in_it(client: openai.OpenAI) -> None:
    """What comes before the stop string is all there is."""
    asked: Any = {"model": "seedling", "messages": [{"role": "user", "content": "Hello"}]}
    off: Any = {"thinking": {"type": "disabled"}}
    whole = client.chat.completions.create(**asked, extra_body=off).choices[0].message.content or ""
    word = whole.split()[-1]
    cut = client.chat.completions.create(**asked, stop=[word], extra_body=off).choices[0]
    assert (cut.message.content, cut.finish_reason) == (whole[: whole.index(word)], "stop")


def test_a_seed_gives_the_same_answer_again(client: openai.OpenAI) -> None:
    """Sampled answers with one seed are the same."""
    asked: Any = {
        "model": "seedling",
        "messages": [{"role": "user", "content": "Tell me something."}],
        "temperature": 1.5,
        "seed": 7,
        "extra_body": {"thinking": {"type": "disabled"}},
    }
    texts = {client.chat.completions.create(**asked).choices[0].message.content for _ in range(3)}
    assert len(texts) == 1


def test_a_limit_of_tokens_is_kept(client: openai.OpenAI) -> None:
    """An answer that is cut says so, and is no longer than was allowed."""
    answer = client.chat.completions.create(
        model="seedling", messages=[{"role": "user", "content": "What is Setaria?"}], max_tokens=5
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


def test_models_are_listed_and_shown(client: openai.OpenAI) -> None:
    """The list and the single entry agree."""
    listed = list(client.models.list())
    assert [model.id for model in listed] == ["seedling"]
    assert client.models.retrieve("seedling") == listed[0]


@pytest.mark.parametrize(
    "change, error, fragment",
    [
        ({"model": "Seedling"}, openai.BadRequestError, "Unsupported model Seedling; did you mean seedling?"),
        ({"temperature": 9, "extra_body": {"thinking": {"type": "disabled"}}}, openai.BadRequestError, "0 to 1.5"),
        ({"messages": []}, openai.BadRequestError, "messages"),
        ({"messages": [{"role": "user", "content": "word " * 20_000}]}, openai.BadRequestError, "maximum context"),
    ],
)
def test_errors_are_the_sdks_own_classes(
    client: openai.OpenAI, change: dict[str, Any], error: type[openai.APIStatusError], fragment: str
) -> None:
    """A bad request is told as the SDK knows it, whether a stream was asked for or not."""
    asked: dict[str, Any] = {"model": "seedling", "messages": [{"role": "user", "content": "Hello"}]} | change
    for stream in (False, True):
        with pytest.raises(error, match="(?i)" + fragment.replace("?", r"\?")):
            client.chat.completions.create(**asked, stream=stream)


def test_a_bad_key_is_an_authentication_error_that_is_not_tried_again(platform: Running) -> None:
    """401 says what is wrong and that trying again is of no use."""
    with (
        openai.OpenAI(base_url=f"{platform.base_url}/v1", api_key=platform.key[:-1] + "!", max_retries=3) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.type == "invalid_key"
