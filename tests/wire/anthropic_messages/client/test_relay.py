"""Relay: what goes to the caller is what the server said, but for the model's name, odd usage and the end mark."""

import json
import re

import msgspec
import pytest

from setaria.core.errors import UpstreamBusy, UpstreamCut, UpstreamFailed
from setaria.core.estimate import estimate_dialogue
from setaria.core.usage import Usage
from setaria.wire.sse_reader import EVENT_LIMIT_BYTES
from tests.wire.anthropic_messages.client.serving import (
    DIALOGUE,
    FAULT,
    MODEL,
    PING,
    STOP,
    TOLD,
    UPSTREAM,
    begin,
    delta,
    end,
    ending,
    frame,
    read,
    relay,
    said,
    start,
)
from tests.wire.anthropic_messages.stream_checker import read_frames

END_MARK = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
CONTENT = PING + said('{"type":"error"} "message_delta"') + said("谷子\u2028", 1) + b": comment\n\n"


@pytest.mark.parametrize("tail", [ending() + STOP, ending(), ending() + FAULT + STOP + said("?"), ending()[:-1]])
def test_bytes_pass_as_they_are(tail: bytes) -> None:
    """All but the first event and the end mark are the server's own bytes, and an end mark there is in any case."""
    stream = start() + CONTENT + tail
    for sizes in ((), (1,) * len(stream)):
        sent, reader, error = relay(stream, sizes)
        first, rest = sent.split(b"\n\n", 1)
        assert error is None
        assert json.loads(first.split(b"data: ")[1])["message"]["model"] == MODEL
        assert rest == CONTENT + ending() + END_MARK
        assert (reader.usage, reader.meaningful, reader.finished) == (TOLD, True, True)


def test_line_ends_become_plain() -> None:
    """A stream with other line ends is passed on with plain ones, several lines of data as they are."""
    stream = start() + b"data: {\ndata: }\n\nevent: x\n\n" + ending() + STOP
    sent, _, error = relay(stream.replace(b"\n", b"\r\n"))
    assert error is None
    assert sent.endswith(b"data: {\ndata: }\n\nevent: x\n\n" + ending() + END_MARK)


def test_what_is_unknown_in_the_first_event_stays() -> None:
    """Only the model's name changes in the first event."""
    usage = {"input_tokens": 25, "output_tokens": 1, "service_tier": "standard", "cache_read_input_tokens": None}
    sent, _, _ = relay(start(usage) + said("Hi") + ending() + STOP)
    before, after = read_frames(start(usage))[0], read_frames(sent)[0]
    assert before["message"] | {"model": MODEL} == after["message"]


def completed(usage: Usage | None) -> Usage | None:
    """Put the estimates where the gateway puts them: what was not counted is 0."""
    if usage is None:
        return None
    input_tokens = usage.input_tokens if usage.all_input_tokens else 5
    return msgspec.structs.replace(usage, input_tokens=input_tokens, output_tokens=usage.output_tokens or 1)


@pytest.mark.parametrize(
    "begun, ended, shown, usage",
    [
        ({"input_tokens": 25}, {"output_tokens": 15}, ({"input_tokens": 25, "output_tokens": 0}, None), TOLD),
        ({}, {"input_tokens": 25, "output_tokens": 15}, ({"input_tokens": 5, "output_tokens": 0}, None), TOLD),
        ([], {"input_tokens": 25, "output_tokens": 15}, ({"input_tokens": 5, "output_tokens": 0}, None), TOLD),
        (
            {"input_tokens": -5, "output_tokens": 0},
            {"input_tokens": 25, "output_tokens": 15},
            ({"input_tokens": 5, "output_tokens": 0}, None),
            TOLD,
        ),
        (None, {"output_tokens": 15, "cache_read_input_tokens": -7}, (None, {"cache_read_input_tokens": 0}), TOLD),
        (None, {"output_tokens": -1}, (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, {"output_tokens": "15"}, (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, {"output_tokens": True}, (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, {"output_tokens": 10**30}, (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, [], (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, {"output_tokens": 0}, (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, {"output_tokens": 15.0}, (None, {"output_tokens": 15}), TOLD),
        (None, {"output_tokens": 15.5}, (None, {"output_tokens": 1}), Usage(25, output_tokens=1)),
        (None, {"output_tokens": 15, "input_tokens": 0}, (None, {"input_tokens": 25}), TOLD),
        (
            {"input_tokens": 25, "cache_read_input_tokens": 3},
            {"output_tokens": 15, "input_tokens": 0, "cache_read_input_tokens": 0},
            ({"output_tokens": 0}, {"input_tokens": 25, "cache_read_input_tokens": 3}),
            Usage(25, 3, 0, 15),
        ),
        (
            {"input_tokens": 0, "output_tokens": 0},
            {"output_tokens": 15, "input_tokens": 25},
            ({"input_tokens": 5}, None),
            TOLD,
        ),
        (
            {"input_tokens": 0, "cache_read_input_tokens": 7, "output_tokens": 0},
            {"output_tokens": 15},
            (None, None),
            Usage(0, 7, 0, 15),
        ),
        (None, {"output_tokens": 15, "input_tokens": None}, (None, None), TOLD),
        (
            {"input_tokens": 17, "output_tokens": 0},
            {"input_tokens": 5, "cache_read_input_tokens": 12, "output_tokens": 15},
            (None, None),
            Usage(5, 12, 0, 15),
        ),
        (
            {"input_tokens": 0, "output_tokens": 0},
            {"output_tokens": 15},
            ({"input_tokens": 5}, None),
            Usage(5, output_tokens=15),
        ),
        ({}, {"output_tokens": 15}, ({"input_tokens": 5, "output_tokens": 0}, None), Usage(5, output_tokens=15)),
        ({"input_tokens": 0, "output_tokens": 0}, {}, ({"input_tokens": 5}, {"output_tokens": 1}), None),
        (
            {"input_tokens": 0, "output_tokens": 0},
            {"output_tokens": 0},
            ({"input_tokens": 5}, {"output_tokens": 1}),
            None,
        ),
    ],
)
def test_odd_usage_is_corrected(
    begun: object, ended: object, shown: tuple[dict[str, int] | None, dict[str, int] | None], usage: Usage | None
) -> None:
    """What the caller sees of odd usage is mended, the rest stays; relay and reader read the same tokens of it."""
    stream = start(begun) + said("Hi") + ending(usage=ended) + STOP
    sent, reader, error = relay(stream)
    assert error is None
    assert usage == completed(reader.usage)
    events, _ = read(stream)
    assert usage == completed(getattr(events[-1], "usage", None))
    frames = read_frames(sent)
    if begun != []:
        first = {"input_tokens": 25, "output_tokens": 1} if begun is None else begun
        assert isinstance(first, dict)
        assert first | (shown[0] or {}) == frames[0]["message"]["usage"]
    assert (ended if isinstance(ended, dict) else {}) | (shown[1] or {}) == frames[-2]["usage"]


def test_an_end_without_usage_gets_one() -> None:
    """Where the server tells no output at all, the caller and the books see our own estimate of it."""
    stop = frame({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    sent, reader, _ = relay(start() + said("x" * 100) + stop)
    assert read_frames(sent)[-2]["usage"] == {"output_tokens": 25}
    assert (Usage(25), 25) == (reader.usage, reader.said_tokens)


def called(index: int | None, text: str) -> bytes:
    """Write a block of a call, whose input comes in two pieces."""
    pieces = [delta(index, "input_json_delta", partial_json=piece) for piece in (text[:3], text[3:])]
    return begin(index, type="tool_use", id=f"call {text}", name="f", input={}) + b"".join(pieces) + end(index)


ONE, TWO, THREE = '{"a": 1}', '{"a": 2}', '{"a": 3}'


@pytest.mark.parametrize(
    "content, expected",
    [
        (called(0, ONE) + called(0, TWO) + called(0, THREE), called(0, ONE) + called(1, TWO) + called(2, THREE)),
        (said("a") + said("b") + called(0, ONE), said("a") + said("b", 1) + called(2, ONE)),
        (said("a", 1) + called(2, ONE), said("a") + called(1, ONE)),
        (said("a") + called(2, ONE) + called(2, TWO), said("a") + called(1, ONE) + called(2, TWO)),
        (said("a", None) + called(None, ONE), said("a") + called(1, ONE)),
        (delta(3, "text_delta", text="a"), delta(3, "text_delta", text="a")),
        (said("a") + delta(3, "text_delta", text="a"), said("a") + delta(3, "text_delta", text="a")),
    ],
)
def test_each_block_has_an_index_of_its_own(content: bytes, expected: bytes) -> None:
    """Callers put blocks together by their index, which is a place in the list: one that is not is mended."""
    stream = start() + content + ending() + STOP
    for pieces in ([stream], re.split(rb"(?<=\n\n)", stream)):
        reader = UPSTREAM.open_relay(MODEL, estimate_dialogue(DIALOGUE))
        sent = b"".join([*map(reader.feed, pieces), reader.close()])
        assert read_frames(start() + expected + ending() + STOP)[1:] == read_frames(sent)[1:]


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": ""}, {"id": "own"}])
@pytest.mark.parametrize("index", [0, 1])
def test_a_call_has_an_id(index: int, given: dict[str, object]) -> None:
    """A call without an id could not be answered: it gets one of ours; all else of it stays."""
    block: dict[str, object] = {"type": "tool_use", "name": "f", "input": {}, "caller": {"type": "direct"}}
    sent, _, error = relay(start() + begin(index, **block | given) + end(index) + ending() + STOP)
    shown = read_frames(sent)[1]["content_block"]
    call_id = shown.pop("id")
    assert call_id == "own" if given.get("id") else re.fullmatch("call_[0-9a-f]{24}", call_id)
    assert (error, block) == (None, shown)


@pytest.mark.parametrize(
    "event, meaningful, said_tokens",
    [
        (PING, False, 0),
        (begin(0, type="text", text=""), False, 0),
        (frame({"type": "content_block_start", "index": 0}), False, 0),
        (frame({"type": "content_block_delta", "index": 0}), False, 1),
        (delta(0, "text_delta", text=""), False, 1),
        (end(0), False, 0),
        (ending(None), False, 0),
        (begin(0, type="tool_use", id="a", name="b", input={}), True, 0),
        (begin(0, type="text", text="Hi"), True, 0),
        (delta(0, "text_delta", text="Hi"), True, 1),
        (delta(0, "thinking_delta", thinking="x" * 40), True, 10),
        (delta(0, "input_json_delta", partial_json="{"), True, 1),
        (delta(0, "signature_delta", signature="ab"), True, 1),
        (ending(), True, 0),
        (STOP, True, 0),
    ],
)
def test_what_means_something(event: bytes, meaningful: bool, said_tokens: int) -> None:
    """Before content, a call or an end was seen the answer may still be asked for elsewhere."""
    reader = UPSTREAM.open_relay(MODEL, estimate_dialogue(DIALOGUE))
    reader.feed(start() + event)
    assert (meaningful, said_tokens) == (reader.meaningful, reader.said_tokens)


def test_the_usage_of_an_answer_under_way() -> None:
    """The input is known from the first event on, the output counted by events."""
    reader = UPSTREAM.open_relay(MODEL, estimate_dialogue(DIALOGUE))
    reader.feed(start() + said("Hi") + delta(1, "text_delta", text="Ho"))
    assert (Usage(25), 2) == (reader.usage, reader.said_tokens)


BEGUN = start() + said("Hi")


@pytest.mark.parametrize(
    "tail, kind",
    [
        (b"", UpstreamCut),
        (ending()[:-2], UpstreamCut),
        (FAULT, UpstreamFailed),
        (FAULT + said("more"), UpstreamFailed),
        (FAULT[:-1], UpstreamFailed),
        (b'data: {"error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n', UpstreamBusy),
        (b"event: content_block_delta\ndata: {\n\n", UpstreamFailed),
        (start(), UpstreamFailed),
    ],
)
def test_streams_that_end_badly(tail: bytes, kind: type[Exception]) -> None:
    """What came before a cut or an error goes out, then the error is told, without the server's own words for it."""
    for sizes in ((), (1,) * len(BEGUN + tail)):
        sent, _, error = relay(BEGUN + tail, sizes)
        assert type(error) is kind
        assert sent.endswith(said("Hi"))


def test_an_error_alone_is_told_at_once_and_stays() -> None:
    """An error with nothing before it is raised by the call that brought it, and by every later one."""
    reader = UPSTREAM.open_relay(MODEL, estimate_dialogue(DIALOGUE))
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            reader.feed(FAULT)
    with pytest.raises(UpstreamFailed):
        reader.close()


def test_an_endless_event_is_refused() -> None:
    """An event that never ends does not fill the memory."""
    reader = UPSTREAM.open_relay(MODEL, estimate_dialogue(DIALOGUE))
    with pytest.raises(UpstreamFailed, match="bytes"):
        reader.feed(b"data: " + b"x" * EVENT_LIMIT_BYTES)
