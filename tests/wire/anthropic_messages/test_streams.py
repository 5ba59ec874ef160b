"""Streams: whatever order the events come in, what is written keeps to the protocol."""

import hashlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setaria.core.errors import InternalError, UpstreamCut
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
from setaria.core.usage import Usage
from setaria.wire.codec import StreamWriter
from tests.wire.anthropic_messages.asking import CALL_ID, CODEC, HEAD, sign
from tests.wire.anthropic_messages.stream_checker import IllegalStreamError, StreamChecker, read_frames

USAGE = UsageReport(Usage(5, 7, 3, 11, 4), "upstream")
END: list[Event] = [Finish("stop"), USAGE]
TRUTH = {
    "input_tokens": 5,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 7,
    "output_tokens": 11,
}


def write(events: list[Event]) -> bytes:
    """Write a whole stream."""
    writer = CODEC.open_stream(HEAD)
    return b"".join([writer.open(), *map(writer.write, events), writer.close()])


def check(stream: bytes) -> StreamChecker:
    """Follow a stream to its end."""
    checker = StreamChecker()
    checker.feed(stream)
    assert checker.ended
    return checker


def thought(text: str, signature: str = "") -> dict[str, str]:
    """Say what a block of thinking must come to; with our own signature where no other is given."""
    own = sign(hashlib.sha256(text.encode()).digest())
    return {"type": "thinking", "thinking": text, "signature": signature or own}


def said(text: str) -> dict[str, str]:
    """Say what a block of text must come to."""
    return {"type": "text", "text": text}


def called(number: int, arguments: object) -> dict[str, object]:
    """Say what a call must come to."""
    return {"type": "tool_use", "id": f"call_{number}", "name": f"tool {number}", "input": arguments}


def call(number: int, *arguments: str) -> list[Event]:
    """Make the events of a call."""
    return [ToolCallStart(number, f"call_{number}", f"tool {number}"), *(ToolCallDelta(number, a) for a in arguments)]


@pytest.mark.parametrize(
    "events, expected",
    [
        ([], []),
        ([TextDelta("Hel"), TextDelta("lo")], [said("Hello")]),
        ([ReasoningDelta("h"), ReasoningDelta("m"), TextDelta("Hi")], [thought("hm"), said("Hi")]),
        ([ReasoningDelta("hm")], [thought("hm")]),
        ([ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c")], [thought("a"), said("b"), thought("c")]),
        ([TextDelta(""), ReasoningDelta(""), TextDelta("")], []),
        ([TextDelta("a"), ReasoningDelta(""), TextDelta("b"), TextDelta("")], [said("ab")]),
        ([ReasoningDelta("a"), TextDelta(""), ReasoningDelta(""), ReasoningDelta("b")], [thought("ab")]),
        ([TextDelta('"\\\n\u2028\x00é中😀')], [said('"\\\n\u2028\x00é中😀')]),
        (call(0, '{"a', '": ', "1}"), [called(0, {"a": 1})]),
        (call(0), [called(0, {})]),
        (call(0, "", ""), [called(0, {})]),
        (call(0, "{}", ""), [called(0, {})]),
        (call(0, " "), [called(0, {})]),
        (call(0, " ", "\n{", ' "a"', ": 1}"), [called(0, {"a": 1})]),
        (call(0, "{", "\n", "}"), [called(0, {})]),
        (call(0, "null"), [called(0, {})]),
        (call(0, "nu", "ll "), [called(0, {})]),
        (call(0, "[]"), [called(0, {"_raw": "[]"})]),
        (call(0, '"{', '}"'), [called(0, {"_raw": '"{}"'})]),
        (call(0, " not", " {json}"), [called(0, {"_raw": " not {json}"})]),
        (call(0, "{'a", "': 1}"), [called(0, {"_raw": "{'a': 1}"})]),
        (
            [*call(0, "{"), *call(1, "[1]"), TextDelta("a")],
            [called(0, {"_raw": "{"}), called(1, {"_raw": "[1]"}), said("a")],
        ),
        (
            [*call(0, '{"a": 1}'), *call(1), *call(2, '{"b": 2}')],
            [called(0, {"a": 1}), called(1, {}), called(2, {"b": 2})],
        ),
        (
            [TextDelta("a"), *call(0, "{}"), TextDelta("b"), *call(1, "{}")],
            [said("a"), called(0, {}), said("b"), called(1, {})],
        ),
        ([ReasoningDelta("a"), ReasoningSignature("x"), TextDelta("b")], [thought("a", "x"), said("b")]),
        (
            [ReasoningDelta("a"), ReasoningSignature("x"), ReasoningDelta("b"), ReasoningSignature("y")],
            [thought("a", "x"), thought("b", "y")],
        ),
        ([ReasoningDelta("a"), ReasoningSignature("x"), ReasoningDelta("b")], [thought("a", "x"), thought("b")]),
        (
            [ReasoningSignature("x"), TextDelta("a"), ReasoningSignature("y")],
            [thought("", "x"), said("a"), thought("", "y")],
        ),
        ([ReasoningDelta("a"), *call(0, "{}"), ReasoningDelta("b")], [thought("a"), called(0, {}), thought("b")]),
    ],
)
def test_events_become_blocks(events: list[Event], expected: list[dict[str, object]]) -> None:
    """Each run of events of one kind is one block, each call a block of its own, and empty pieces are nothing."""
    assert expected == check(write([*events, *END])).content


def test_a_stream_is_written_word_for_word() -> None:
    """A short answer is written in just these words, but for the message's id."""
    stream = write([ReasoningDelta("hm"), TextDelta("Hi"), *call(0, '{"a":1}'), Finish("tool_calls"), USAGE])
    message_id = read_frames(stream)[0]["message"]["id"]
    mark = thought("hm")["signature"]
    expected = f"""\
event: message_start
data: {{"type":"message_start","message":{{"type":"message","id":"{message_id}","model":"seedling","content":[],\
"usage":{{"input_tokens":17,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}},\
"stop_reason":null,"stop_sequence":null,"role":"assistant"}}}}

event: content_block_start
data: {{"type":"content_block_start","index":0,"content_block":{{"type":"thinking","thinking":"","signature":""}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":0,"delta":{{"type":"thinking_delta","thinking":"hm"}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":0,"delta":{{"type":"signature_delta","signature":"{mark}"}}}}

event: content_block_stop
data: {{"type":"content_block_stop","index":0}}

event: content_block_start
data: {{"type":"content_block_start","index":1,"content_block":{{"type":"text","text":""}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":1,"delta":{{"type":"text_delta","text":"Hi"}}}}

event: content_block_stop
data: {{"type":"content_block_stop","index":1}}

event: content_block_start
data: {{"type":"content_block_start","index":2,"content_block":\
{{"type":"tool_use","id":"call_0","name":"tool 0","input":{{}}}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":2,"delta":{{"type":"input_json_delta","partial_json":"{{\\"a\\":1}}"}}}}

event: content_block_stop
data: {{"type":"content_block_stop","index":2}}

event: message_delta
data: {{"type":"message_delta","delta":{{"stop_reason":"tool_use","stop_sequence":null}},"usage":\
{{"input_tokens":5,"cache_creation_input_tokens":3,"cache_read_input_tokens":7,"output_tokens":11}}}}

event: message_stop
data: {{"type":"message_stop"}}

"""
    assert expected == stream.decode()


@pytest.mark.parametrize(
    "finish, expected",
    [
        (Finish("stop"), {"stop_reason": "end_turn", "stop_sequence": None}),
        (Finish("stop", "END"), {"stop_reason": "stop_sequence", "stop_sequence": "END"}),
        (Finish("length"), {"stop_reason": "max_tokens", "stop_sequence": None}),
        (Finish("tool_calls"), {"stop_reason": "tool_use", "stop_sequence": None}),
        (Finish("content_filter"), {"stop_reason": "content_filter", "stop_sequence": None}),
        (Finish("repetition_truncation"), {"stop_reason": "repetition_truncation", "stop_sequence": None}),
    ],
)
def test_the_end_tells_reason_and_true_usage(finish: Finish, expected: dict[str, str | None]) -> None:
    """The message ends with why it stopped and with the tokens it really took."""
    checker = check(write([TextDelta("a"), finish, USAGE]))
    assert (expected, TRUTH) == (checker.stop, checker.usage)


@pytest.mark.parametrize(
    "events",
    [[], [TextDelta("a")], [ReasoningDelta("a")], call(0, '{"a'), [TextDelta("a"), Finish("stop")], END],
)
def test_an_error_ends_the_stream(events: list[Event]) -> None:
    """From any moment of a stream an error event ends it, with the call's id, and nothing comes after it."""
    writer = CODEC.open_stream(HEAD)
    begun = b"".join([writer.open(), *map(writer.write, events)])
    ending = writer.fail(UpstreamCut("the model server broke off"))
    assert check(begun + ending).ended == "error"
    expected = {
        "type": "error",
        "error": {"type": "api_error", "message": "the model server broke off"},
        "request_id": CALL_ID,
    }
    assert [expected] == read_frames(ending)
    with pytest.raises(InternalError):
        writer.close()


@pytest.mark.parametrize(
    "steps",
    [
        ["close"],
        ["fail"],
        [TextDelta("a")],
        [TextDelta("")],
        ["open", "open"],
        ["open", "close"],
        ["open", TextDelta("a"), "close"],
        ["open", USAGE],
        ["open", Finish("stop"), "close"],
        ["open", Finish("stop"), Finish("length")],
        ["open", Finish("stop"), TextDelta("a")],
        ["open", Finish("stop"), TextDelta("")],
        ["open", Finish("stop"), ReasoningDelta("a")],
        ["open", Finish("stop"), ReasoningDelta("")],
        ["open", Finish("stop"), ReasoningSignature("a")],
        ["open", Finish("stop"), ToolCallStart(0, "a", "b")],
        ["open", *END, USAGE],
        ["open", *END, TextDelta("a")],
        ["open", *END, "close", "close"],
        ["open", *END, "close", "fail"],
        ["open", "fail", "fail"],
        ["open", "fail", TextDelta("a")],
        ["open", ToolCallDelta(0, "{}")],
        ["open", *call(0, "{}"), TextDelta("a"), ToolCallDelta(0, "{}")],
        ["open", *call(0, '{"a'), *call(1, "{}"), ToolCallDelta(0, '":1}')],
        ["open", *call(0), ToolCallDelta(1, "{}")],
        ["open", *call(0), *call(0)],
        ["open", *call(1)],
        ["open", *call(0), *call(2)],
    ],
)
def test_illegal_steps_are_refused(steps: list[Event | str]) -> None:
    """A step that may not come now is a defect, and nothing is written for it."""
    writer = CODEC.open_stream(HEAD)
    *before, last = steps
    for step in before:
        take(writer, step)
    with pytest.raises(InternalError):
        take(writer, last)


def take(writer: StreamWriter, step: Event | str) -> bytes:
    """Take one step."""
    if not isinstance(step, str):
        return writer.write(step)
    named: dict[str, Callable[[], bytes]] = {
        "open": writer.open,
        "close": writer.close,
        "fail": lambda: writer.fail(UpstreamCut("cut")),
    }
    return named[step]()


def split(text: str, places: list[int]) -> list[str]:
    """Cut a text at these places, wherever they fall; some pieces may be empty."""
    cuts = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(cuts)]


TEXT = st.text(max_size=8)
INPUT = st.dictionaries(st.text(max_size=3), st.integers() | TEXT | st.none() | st.lists(st.booleans()), max_size=3)
PIECE = st.builds(ReasoningDelta, TEXT) | st.builds(TextDelta, TEXT) | st.tuples(INPUT, st.lists(st.integers(0, 99)))
FINISH = st.builds(Finish, st.sampled_from(["stop", "length", "tool_calls"]), st.sampled_from(["", "END"]))


def expand(pieces: list[Any]) -> tuple[list[Event], list[dict[str, Any]]]:
    """Make the events of random pieces, and the content that they must come to."""
    events: list[Event] = []
    content: list[dict[str, Any]] = []
    calls = 0
    for piece in pieces:
        if isinstance(piece, tuple):
            events += call(calls, *split(json.dumps(piece[0], ensure_ascii=False), piece[1]))
            content.append(called(calls, piece[0]))
            calls += 1
            continue
        events.append(piece)
        kind, field = ("text", "text") if isinstance(piece, TextDelta) else ("thinking", "thinking")
        if content and content[-1]["type"] == kind:
            content[-1][field] += piece.text
        elif piece.text:
            content.append({"type": kind, field: piece.text})
    return events, [thought(block["thinking"]) if block["type"] == "thinking" else block for block in content]


@settings(deadline=None)
@given(st.lists(PIECE, max_size=12), FINISH)
def test_any_legal_answer_keeps_to_the_protocol(pieces: list[Any], finish: Finish) -> None:
    """Whatever a model says in whatever order and pieces, the stream is legal and holds just that."""
    events, content = expand(pieces)
    checker = check(write([*events, finish, USAGE]))
    assert (content, TRUTH) == (checker.content, checker.usage)


ANY_EVENT = (
    st.builds(TextDelta, TEXT)
    | st.builds(ReasoningDelta, TEXT)
    | st.builds(ReasoningSignature, st.just("mark"))
    | st.builds(ToolCallStart, st.integers(0, 3), st.just("call"), st.just("tool"))
    | st.builds(ToolCallDelta, st.integers(0, 3), st.sampled_from(["", "7"]))
    | FINISH
    | st.just(USAGE)
)


@settings(deadline=None)
@given(st.lists(ANY_EVENT | st.sampled_from(["open", "close", "fail"]), max_size=20))
def test_any_steps_at_all_keep_to_the_protocol(steps: list[Any]) -> None:
    """Whatever steps come in whatever order, those that are not refused write a legal stream."""
    writer, checker = CODEC.open_stream(HEAD), StreamChecker()
    for step in ["open", *steps]:
        try:
            written = take(writer, step)
        except InternalError:
            continue
        checker.feed(written)


GOOD = write([ReasoningDelta("hm"), TextDelta("Hi"), *call(0, "{}"), *END])
FRAMES = [frame + b"\n\n" for frame in GOOD.split(b"\n\n")[:-1]]


@pytest.mark.parametrize(
    "order",
    [
        [1],
        [0, 0],
        [0, 1, 4],
        [0, 1, 1],
        [0, 1, 2, 3, 2],
        [0, 1, 2, 4],
        [0, 1, 2, 3, 4, 2],
        [0, 1, 2, 3, 4, 1],
        [0, 1, 6],
        [0, 5],
        [0, 1, 2, 3, 4, 4],
        [0, 1, 11],
        [0, 12],
        [0, 11, 1],
        [0, 11, 12, 12],
    ],
)
def test_the_checker_refuses_illegal_orders(order: list[int]) -> None:
    """The checker that these tests rest on finds a legal stream legal and each of these orders not."""
    assert check(GOOD).ended == "stop"
    with pytest.raises(IllegalStreamError):
        StreamChecker().feed(b"".join(FRAMES[at] for at in order))
