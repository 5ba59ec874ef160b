"""Whole answers: one JSON body becomes the events that its stream would bring, or is relayed."""

import json
import re
from typing import Any

import msgspec
import pytest

from setaria.core.answer import AnswerBuilder
from setaria.core.dialogue import Reasoning
from setaria.core.errors import ContextOverflow, UpstreamBusy, UpstreamFailed
from setaria.core.events import (
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.usage import CountsFrom, Usage
from tests.wire.anthropic_messages.asking import CODEC, HEAD
from tests.wire.anthropic_messages.client.serving import DIALOGUE, MODEL, UPSTREAM

CONTENT = [
    {"type": "thinking", "thinking": "Hm", "signature": "ab"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "text", "text": "Hi", "citations": None},
    {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a", "n": 1.0}},
    {"type": "tool_use", "id": "toolu_2", "name": "list", "input": {}},
]
USAGE = {"input_tokens": 5, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 3, "output_tokens": 11}
TOLD = Usage(5, 7, 3, 11)
SAID = Usage(5, output_tokens=11)
HALF = Usage(5, output_tokens=4)  # its input is our own estimate


def body(**fields: object) -> bytes:
    """Write an answer with these fields in place of its own."""
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x"}  # JSON
    message |= {"content": CONTENT, "stop_reason": "tool_use", "stop_sequence": None, "usage": USAGE}
    return json.dumps(message | fields).encode()


def test_a_whole_answer_becomes_events() -> None:
    """Thinking with its signature, text, calls with their arguments as they came, the end and the usage."""
    assert UPSTREAM.read_answer(body(), DIALOGUE) == [
        ReasoningDelta("Hm"),
        ReasoningSignature("ab"),
        TextDelta("Hi"),
        ToolCallStart(0, "toolu_1", "read"),
        ToolCallDelta(0, '{"path": "a", "n": 1.0}'),
        ToolCallStart(1, "toolu_2", "list"),
        ToolCallDelta(1, "{}"),
        Finish("tool_calls"),
        UsageReport(TOLD, "upstream"),
    ]


def test_values_of_another_type_are_read_as_what_they_mean() -> None:
    """A call whose id is a number, and half a character, end no answer."""
    content = rb'[{"type":"text","text":"A \ud83c"},{"type":"tool_use","id":1,"name":"read","input":{}}]'
    answer = body(content="?").replace(b'"?"', content)
    said = [TextDelta("A \ufffd"), ToolCallStart(0, "1", "read"), ToolCallDelta(0, "{}")]
    assert UPSTREAM.read_answer(answer, DIALOGUE)[:3] == said
    assert content.replace(rb"\ud83c", rb"\ufffd") in UPSTREAM.relay_answer(answer, MODEL, DIALOGUE)[0]


def test_a_whole_answer_comes_back() -> None:
    """What our server side writes of an answer is read as the same answer, the server's own signatures kept."""
    builder = AnswerBuilder()
    for event in UPSTREAM.read_answer(body(), DIALOGUE):
        builder.add(event)
    answer = builder.build()
    assert (Reasoning("Hm", "ab"),) == answer.signed
    again = AnswerBuilder()
    for event in UPSTREAM.read_answer(CODEC.write_answer(HEAD, answer), DIALOGUE):
        again.add(event)
    assert answer == again.build()


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"content": []}, [Finish("tool_calls")]),
        ({"content": [], "stop_reason": None}, [Finish("stop")]),
        ({"content": [], "stop_reason": "stop_sequence", "stop_sequence": "END"}, [Finish("stop", "END")]),
    ],
)
def test_ends_of_whole_answers(fields: dict[str, object], expected: list[object]) -> None:
    """The end is read as in a stream, and an answer without a reason has ended by itself."""
    assert [*expected, UsageReport(TOLD, "upstream")] == UPSTREAM.read_answer(body(**fields), DIALOGUE)


@pytest.mark.parametrize(
    "usage, told, shown",
    [
        (USAGE, TOLD, USAGE),
        (USAGE | {"extra": 1}, TOLD, USAGE | {"extra": 1}),
        ({"input_tokens": 5, "output_tokens": -1}, SAID, {"input_tokens": 5, "output_tokens": 11}),
        ({"input_tokens": 5, "output_tokens": 0}, SAID, {"input_tokens": 5, "output_tokens": 11}),
        ({"input_tokens": 5}, SAID, {"input_tokens": 5, "output_tokens": 11}),
        ({"output_tokens": 4}, HALF, {"input_tokens": 5, "output_tokens": 4}),
        ({"input_tokens": None, "output_tokens": 4}, HALF, {"input_tokens": 5, "output_tokens": 4}),
        ({"input_tokens": 0, "output_tokens": 4}, HALF, {"input_tokens": 5, "output_tokens": 4}),
        ({"input_tokens": 0, "output_tokens": 0}, None, {"input_tokens": 5, "output_tokens": 11}),
        (None, None, {"input_tokens": 5, "output_tokens": 11}),
    ],
)
def test_a_relayed_answer(usage: object, told: Usage | None, shown: dict[str, int]) -> None:
    """The caller gets the body with the public name and mended usage, all else as it came; events tell the same."""
    sent, found, said_tokens = UPSTREAM.relay_answer(body(usage=usage), MODEL, DIALOGUE)
    whole = msgspec.structs.replace(found, output_tokens=found.output_tokens or said_tokens) if found else None
    assert (told, 11) == (whole, said_tokens)
    assert json.loads(body(model=MODEL, usage=shown)) == json.loads(sent)
    last = UPSTREAM.read_answer(body(usage=usage), DIALOGUE)[-1]
    source: CountsFrom = "estimate" if told == SAID else "upstream"
    read = msgspec.structs.replace(told, input_tokens=0) if told == HALF else told
    assert last == (Finish("tool_calls") if read is None else UsageReport(read, source))


def test_calls_of_a_relayed_answer_have_ids() -> None:
    """A call without an id could not be answered: it gets one of ours; all else stays."""
    nameless = [
        {"type": "tool_use", "name": "list", "input": {"n": 1.0}, "extra": 1} | more for more in ({}, {"id": ""})
    ]
    sent, _, _ = UPSTREAM.relay_answer(body(content=[*CONTENT, *nameless]), MODEL, DIALOGUE)
    shown = json.loads(sent)["content"]
    ids = [block.pop("id") for block in shown[-2:]]
    assert (len(set(ids)), all(map(is_own_id, ids))) == (2, True)
    assert [*CONTENT, *({key: value for key, value in block.items() if key != "id"} for block in nameless)] == shown


def is_own_id(call_id: str) -> bool:
    """Tell whether an id is one that we made."""
    return re.fullmatch("call_[0-9a-f]{24}", call_id) is not None


@pytest.mark.parametrize(
    "answer, kind",
    [
        (b"", UpstreamFailed),
        (b"<html>", UpstreamFailed),
        (b"[]", UpstreamFailed),
        (b"{}", UpstreamFailed),
        (b'{"content": 3}', UpstreamFailed),
        (b'{"choices": []}', UpstreamFailed),
        (b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}', UpstreamBusy),
        (b'{"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}', ContextOverflow),
        (body(content=[{"type": "tool_use", "id": "a"}]), UpstreamFailed),
    ],
)
def test_bad_answers(answer: bytes, kind: type[Exception]) -> None:
    """What is no message is the server's fault, what tells an error is that error."""
    with pytest.raises(kind):
        UPSTREAM.read_answer(answer, DIALOGUE)
    if b"tool_use" not in answer:  # an answer that is relayed is not looked into so closely
        with pytest.raises(kind):
            UPSTREAM.relay_answer(answer, MODEL, DIALOGUE)
