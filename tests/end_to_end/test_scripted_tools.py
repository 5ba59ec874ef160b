"""What a better model than the built-in one says, through the whole platform, as the official SDKs understand it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from setaria.core.dialogue import Dialogue, Reasoning
from tests.end_to_end.scripted import INPUT_TOKENS, last_words, scripted_worker

PARAMETERS = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}, "options": {"type": "object"}},
    "required": ["path"],
}
OPENAI_TOOL: Any = {"type": "function", "function": {"name": "read_file", "parameters": PARAMETERS}}
ANTHROPIC_TOOL: Any = {"name": "read_file", "input_schema": PARAMETERS}
ARGUMENTS = ({"path": "a.txt", "lines": 3}, {"path": "b c.txt", "options": {"deep": [1, 2]}})
PARALLEL_XML = (
    "<think>Two files, two calls.</think>"
    "<tool_call>\n<function=read_file>\n<parameter=path>a.txt</parameter>\n<parameter=lines>3</parameter>\n"
    "</function>\n</tool_call>\n"
    '<tool_call>\n<function=read_file>\n<parameter=path>b c.txt</parameter>\n<parameter=options>{"deep": [1, 2]}'
    "</parameter>\n</function>\n</tool_call>"
)
PARALLEL_JSON = (
    '<think>\nTwo files, two calls.\n</think>\n\n<tool_call>\n{"name": "read_file", "arguments": '
    '{"path": "a.txt", "lines": 3}}\n</tool_call>\n<tool_call>\n{"name": "read_file", "arguments": '
    '{"path": "b c.txt", "options": {"deep": [1, 2]}}}\n</tool_call>'
)
IN_REASONING = (
    "<think>I read it. <tool_call>\n<function=read_file>\n<parameter=path>a.txt</parameter>\n</function>\n</tool_call>"
)


def script(dialogue: Dialogue) -> str:
    """Say what the last message asks for."""
    words = last_words(dialogue)
    replies = {
        "tool_result": "<think>I have them.</think>Both were read: done.",
        "parallel xml": PARALLEL_XML,
        "parallel json": PARALLEL_JSON,
        "inside thinking": IN_REASONING,
        "unicode": "<think></think>\u2028 日本語 🌾 \r\n end",
    }
    return next(reply for mark, reply in replies.items() if mark in words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Give the address and key of a platform with a scripted engine."""
    data: Path = tmp_path_factory.mktemp("scripted") / "data"
    with scripted_worker(data, script) as started:
        yield started


@pytest.fixture
def openai_client(place: tuple[str, str]) -> Iterator[openai.OpenAI]:
    """Give the OpenAI SDK's client."""
    with openai.OpenAI(base_url=f"{place[0]}/v1", api_key=place[1], max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(place: tuple[str, str]) -> Iterator[anthropic.Anthropic]:
    """Give the Anthropic SDK's client."""
    with anthropic.Anthropic(base_url=f"{place[0]}/anthropic", api_key=place[1], max_retries=0) as client:
        yield client


def ask_openai(client: openai.OpenAI, messages: list[Any], *, stream: bool) -> Any:
    """Ask with tools; gives the SDK's final completion either way."""
    asked: Any = {"model": "seedling", "messages": messages, "tools": [OPENAI_TOOL]}
    if not stream:
        return client.chat.completions.create(**asked)
    with client.chat.completions.stream(**asked) as answer:
        return answer.get_final_completion()


def ask_anthropic(client: anthropic.Anthropic, messages: list[Any], *, stream: bool) -> Any:
    """Ask with tools; gives the SDK's final message either way."""
    asked: Any = {"model": "seedling", "max_tokens": 500, "messages": messages, "tools": [ANTHROPIC_TOOL]}
    if not stream:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as answer:
        return answer.get_final_message()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("words", ["parallel xml", "parallel json"])
def test_openai_parallel_calls_and_their_results(openai_client: openai.OpenAI, words: str, stream: bool) -> None:
    """Both calls come with their own ids and arguments, and the loop ends after their results."""
    messages: list[Any] = [{"role": "user", "content": words}]
    first = ask_openai(openai_client, messages, stream=stream)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.reasoning_content.strip() == "Two files, two calls."
    assert tuple(json.loads(call.function.arguments) for call in message.tool_calls) == ARGUMENTS
    assert len({call.id for call in message.tool_calls}) == 2
    assert (first.usage.prompt_tokens, first.usage.prompt_tokens_details.cached_tokens) == (INPUT_TOKENS, 10)
    messages.append(message.to_dict() | {"parsed": None})
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "x"} for call in message.tool_calls]
    second = ask_openai(openai_client, messages, stream=stream)
    assert second.choices[0].message.content == "Both were read: done."
    assert second.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("words", ["parallel xml", "parallel json"])
def test_anthropic_parallel_calls_and_their_results(
    anthropic_client: anthropic.Anthropic, words: str, stream: bool
) -> None:
    """Both calls come as blocks with their own ids and inputs, and the loop ends after their results."""
    messages: list[Any] = [{"role": "user", "content": words}]
    first = ask_anthropic(anthropic_client, messages, stream=stream)
    assert [block.type for block in first.content] == ["thinking", "tool_use", "tool_use"]
    assert first.stop_reason == "tool_use"
    assert first.content[0].signature
    calls = first.content[1:]
    assert tuple(call.input for call in calls) == ARGUMENTS
    assert (first.usage.input_tokens, first.usage.cache_read_input_tokens) == (INPUT_TOKENS - 10, 10)
    messages.append({"role": "assistant", "content": first.content})
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "x"} for call in calls]
    messages.append({"role": "user", "content": results})
    second = ask_anthropic(anthropic_client, messages, stream=stream)
    assert [block.text for block in second.content if block.type == "text"] == ["Both were read: done."]


def test_a_call_inside_the_reasoning_is_a_call(openai_client: openai.OpenAI) -> None:
    """The reasoning ends where the call begins, and nothing of the call is left in it."""
    message = (
        ask_openai(openai_client, [{"role": "user", "content": "inside thinking"}], stream=True).choices[0].message
    )
    assert message.reasoning_content.strip() == "I read it."
    assert json.loads(message.tool_calls[0].function.arguments) == {"path": "a.txt"}


@pytest.mark.parametrize("stream", [False, True])
def test_odd_characters_arrive_as_they_were_said(openai_client: openai.OpenAI, stream: bool) -> None:
    """Line separators, wide characters and carriage returns survive the stream."""
    answer = ask_openai(openai_client, [{"role": "user", "content": "unicode"}], stream=stream)
    assert answer.choices[0].message.content == "\u2028 日本語 🌾 \r\n end"


def test_reasoning_that_is_sent_back_reaches_the_model(tmp_path: Path) -> None:
    """What the model thought earlier is in the dialogue it is given."""
    seen: list[Dialogue] = []

    def remember(dialogue: Dialogue) -> str:
        seen.append(dialogue)
        return "ok"

    with (
        scripted_worker(tmp_path / "data", remember) as (address, key),
        openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client,
    ):
        earlier: Any = {"role": "assistant", "content": "Hi.", "reasoning_content": "They greet me."}
        client.chat.completions.create(model="seedling", messages=[earlier, {"role": "user", "content": "x"}])
    assert seen[0].messages[0].blocks[0] == Reasoning("They greet me.")
