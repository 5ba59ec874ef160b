"""The Anthropic SDK against the platform with its real engine."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.end_to_end.running import Running

WEATHER: Any = {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["location"],
    },
}
HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(platform: Running) -> Iterator[anthropic.Anthropic]:
    """Give the SDK's client, with the platform's first key."""
    with anthropic.Anthropic(base_url=f"{platform.base_url}/anthropic", api_key=platform.key, max_retries=0) as client:
        yield client


def test_an_answer_has_signed_thinking_text_and_usage(client: anthropic.Anthropic, platform: Running) -> None:
    """A whole answer begins with signed thinking, and its usage is what the books say."""
    raw = client.messages.with_raw_response.create(model="seedling", max_tokens=500, messages=HELLO)
    answer = raw.parse()
    assert [block.type for block in answer.content] == ["thinking", "text"]
    thinking: Any = answer.content[0]
    assert thinking.signature
    assert answer.stop_reason == "end_turn"
    row = platform.call_row(raw.headers["x-request-id"])
    assert (row["ending"], row["protocol"]) == ("completed", "anthropic_messages")
    assert (row["input_tokens"], row["output_tokens"]) == (answer.usage.input_tokens, answer.usage.output_tokens)


def test_a_stream_says_the_same_as_a_whole_answer(client: anthropic.Anthropic) -> None:
    """Streamed and whole answers are the same blocks with the same usage."""
    asked: Any = {"model": "seedling", "max_tokens": 500, "messages": HELLO}
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    for ours, theirs in zip(streamed.content, whole.content, strict=True):
        assert ours.to_dict() == theirs.to_dict()
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    assert streamed.stop_reason == whole.stop_reason


@pytest.mark.parametrize("beginning", ["Setaria is a self-hosted API", "Setaria is"])
def test_a_begun_answer_is_gone_on_with(client: anthropic.Anthropic, beginning: str) -> None:
    """The answer is what comes behind the last message, without thinking, and the usage counts both messages."""
    turn: Any = {"role": "assistant", "content": beginning}
    asked: Any = {"model": "seedling", "messages": [{"role": "user", "content": "What is Setaria?"}]}
    begun: Any = asked | {"messages": [*asked["messages"], turn]}
    off: Any = {"type": "disabled"}
    whole = client.messages.create(max_tokens=500, thinking=off, extra_body={"temperature": 0}, **asked)
    answer = client.messages.create(max_tokens=500, extra_body={"temperature": 0}, **begun)
    assert [block.type for block in answer.content] == ["text"]
    texts = [block.text for block in (*whole.content, *answer.content) if block.type == "text"]
    assert texts[0].startswith(beginning)
    assert not texts[1].startswith("Setaria")
    usage = answer.usage
    counted = client.messages.count_tokens(**begun).input_tokens
    assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == counted
    assert counted > client.messages.count_tokens(thinking=off, **asked).input_tokens


@pytest.mark.parametrize("thinking", [{"type": "enabled", "budget_tokens": 1024}, {"type": "disabled"}])
def test_a_tool_loop_runs_to_its_end(client: anthropic.Anthropic, thinking: Any) -> None:
    """The call comes as a tool_use block, and the result is in the final answer; blocks are sent back as they came."""
    messages: list[Any] = [{"role": "user", "content": "What is the weather like in Hebei?"}]
    asked: Any = {"model": "seedling", "max_tokens": 500, "tools": [WEATHER], "thinking": thinking}
    first = client.messages.create(messages=messages, **asked)
    assert first.stop_reason == "tool_use"
    call = next(block for block in first.content if block.type == "tool_use")
    assert (call.name, call.input) == ("get_current_weather", {"location": "Hebei"})
    messages.append({"role": "assistant", "content": first.content})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": '{"temperature": 22, "condition": "sunny"}'}
    messages.append({"role": "user", "content": [result]})
    second = client.messages.create(messages=messages, **asked)
    assert second.stop_reason == "end_turn"
    assert "22" in "".join(block.text for block in second.content if block.type == "text")


def test_tokens_are_counted_as_the_answer_counts_them(client: anthropic.Anthropic) -> None:
    """count_tokens says what the answer's usage will say, and costs nothing."""
    asked: Any = {"model": "seedling", "messages": HELLO, "system": "Be brief.", "tools": [WEATHER]}
    counted = client.messages.count_tokens(**asked).input_tokens
    usage = client.messages.create(max_tokens=50, **asked).usage
    assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == counted


def test_both_ways_of_sending_the_key_work(platform: Running) -> None:
    """x-api-key and Bearer are the same."""
    ways: list[dict[str, Any]] = [{"api_key": platform.key}, {"auth_token": platform.key}]
    for named in ways:
        with anthropic.Anthropic(base_url=f"{platform.base_url}/anthropic", max_retries=0, **named) as client:
            assert [model.id for model in client.models.list()] == ["seedling"]
            assert client.models.retrieve("seedling").id == "seedling"


def test_betas_are_tolerated(client: anthropic.Anthropic) -> None:
    """The beta endpoint with its query and header is the same endpoint."""
    answer = client.beta.messages.create(
        model="seedling", max_tokens=50, betas=["interleaved-thinking-2025-05-14"], messages=HELLO
    )
    assert answer.content


@pytest.mark.parametrize(
    "change, error, fragment",
    [
        ({"model": "nobody"}, anthropic.NotFoundError, "Unsupported model nobody"),
        ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens"),
        ({"messages": [{"role": "robot", "content": "x"}]}, anthropic.BadRequestError, "messages.0.role"),
        (
            {"messages": [{"role": "user", "content": "word " * 20_000}]},
            anthropic.BadRequestError,
            r"prompt is too long: \d+ tokens > 8192 maximum",
        ),
    ],
)
def test_errors_are_the_sdks_own_classes(
    client: anthropic.Anthropic, change: dict[str, Any], error: type[anthropic.APIStatusError], fragment: str
) -> None:
    """A bad request is told as the SDK knows it, whether a stream was asked for or not."""
    asked: dict[str, Any] = {"model": "seedling", "max_tokens": 50, "messages": HELLO} | change
    for stream in (False, True):
        with pytest.raises(error, match=fragment):
            client.messages.create(**asked, stream=stream)


def test_a_bad_key_is_an_authentication_error(platform: Running) -> None:
    """401 in this protocol's form."""
    address = f"{platform.base_url}/anthropic"
    with (
        anthropic.Anthropic(base_url=address, api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError) as caught,
    ):
        client.messages.create(model="seedling", max_tokens=50, messages=HELLO)
    assert caught.value.response.headers["x-should-retry"] == "false"
