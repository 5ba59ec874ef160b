"""Stream: chunks in the documented order, in a form that the official SDK takes."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from setaria.core.errors import UpstreamCut
from setaria.core.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.wire.openai_chat import OpenAIChat
from tests.wire.openai_chat.telling import CALL_ID, HEAD, USAGE, USAGE_SHAPE

END: list[Event] = [Finish("stop"), UsageReport(USAGE, "tokenizer")]


def write(events: list[Event]) -> list[bytes]:
    """Write a whole stream and give the payload of each of its events."""
    writer = OpenAIChat().open_stream(HEAD)
    whole = writer.open() + b"".join(writer.write(event) for event in events) + writer.close()
    return unframe(whole)


def unframe(stream: bytes) -> list[bytes]:
    """Take the payloads out of a stream, in which every event must be one data line and a blank one."""
    assert stream.endswith(b"\n\n")
    lines = stream[:-2].split(b"\n\n")
    assert all(line.startswith(b"data: ") and b"\n" not in line for line in lines)
    return [line.removeprefix(b"data: ") for line in lines]


def chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    """Make the chunk with this delta, all else in it null."""
    whole = {"role": None, "content": None, "tool_calls": None, "reasoning_content": None, **delta}
    return {
        "id": CALL_ID,
        "object": "chat.completion.chunk",
        "created": 1781233054,
        "model": "seedling",
        "choices": [{"index": 0, "delta": whole, "finish_reason": finish}],
    }


FIRST = chunk({"role": "assistant", "content": ""})
USED = chunk({}) | {"choices": [], "usage": USAGE_SHAPE}


def test_an_answer_with_reasoning() -> None:
    """First the role, then reasoning, then content, then the reason to stop, the usage and the end mark."""
    *chunks, end = write(
        [ReasoningDelta("Hm"), ReasoningSignature("ab"), TextDelta('Mil"let\n'), TextDelta("谷子"), *END]
    )
    assert [msgspec.json.decode(one) for one in chunks] == [
        FIRST,
        chunk({"reasoning_content": "Hm"}),
        chunk({"content": 'Mil"let\n'}),
        chunk({"content": "谷子"}),
        chunk({}, "stop") | {"usage": None},
        USED,
    ]
    assert end == b"[DONE]"


def test_an_answer_with_tool_calls() -> None:
    """A call begins with id and name; its arguments come in fragments to be joined by index."""
    events: list[Event] = [
        ToolCallStart(0, "call_1", "read"),
        ToolCallDelta(0, '{"path"'),
        ToolCallDelta(0, ': "a"}'),
        ToolCallStart(1, "call_2", 'li"st'),
        Finish("tool_calls"),
        UsageReport(USAGE, "tokenizer"),
    ]
    started = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "read", "arguments": ""}}
    second = {"index": 1, "id": "call_2", "type": "function", "function": {"name": 'li"st', "arguments": ""}}
    assert [msgspec.json.decode(one) for one in write(events)[:-1]] == [
        FIRST,
        chunk({"tool_calls": [started]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"path"'}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ': "a"}'}}]}),
        chunk({"tool_calls": [second]}),
        chunk({}, "tool_calls") | {"usage": None},
        USED,
    ]


def test_an_error_ends_the_stream_without_the_end_mark() -> None:
    """A stream that breaks tells the error in-band, and nobody takes it for a whole answer."""
    writer = OpenAIChat().open_stream(HEAD)
    whole = writer.open() + writer.write(TextDelta("Mil")) + writer.fail(UpstreamCut("the model server broke off"))
    assert msgspec.json.decode(unframe(whole)[-1]) == {
        "error": {"message": "the model server broke off", "type": "upstream_error", "param": None, "code": "502"}
    }
    assert b"[DONE]" not in whole


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(deadline=None)
@given(reasoning=st.lists(TEXTS, max_size=3), text=st.lists(TEXTS, max_size=3), calls=st.lists(st.lists(TEXTS)))
def test_the_official_sdk_puts_the_answer_together(
    reasoning: list[str], text: list[str], calls: list[list[str]]
) -> None:
    """Whatever the model says, the SDK accepts each chunk and ends with the same texts, calls and usage."""
    events: list[Event] = [*map(ReasoningDelta, reasoning), *map(TextDelta, text)]
    for index, pieces in enumerate(calls):
        events.append(ToolCallStart(index, f"call_{index}", f"tool_{index}"))
        events.extend(ToolCallDelta(index, piece) for piece in pieces)
    state = ChatCompletionStreamState()
    for payload in write([*events, *END])[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(payload, strict=True))
    answer = state.current_completion_snapshot
    message = answer.choices[0].message
    assert message.content == "".join(text)
    assert (message.model_extra or {})["reasoning_content"] == ("".join(reasoning) or None)
    assert [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []] == [
        (f"call_{index}", f"tool_{index}", "".join(pieces)) for index, pieces in enumerate(calls)
    ]
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 423
