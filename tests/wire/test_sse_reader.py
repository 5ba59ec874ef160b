"""SSE reader: every line end, every field, every split."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.errors import UpstreamFailed
from setaria.wire.sse_reader import EVENT_LIMIT_BYTES, ServerSentEvent, SseReader, read_data


def event(data: str, name: str = "") -> ServerSentEvent:
    """Make an event."""
    return ServerSentEvent(name, data.encode())


def read(pieces: list[bytes]) -> list[ServerSentEvent]:
    """Read a body that comes in these pieces."""
    reader = SseReader()
    return [found for piece in pieces for found in reader.feed(piece)] + reader.close()


CASES = {
    "one event": (b"data: a\n\n", [event("a")]),
    "no space after the colon": (b"data:a\n\n", [event("a")]),
    "one space is dropped, not two": (b"data:  a\n\n", [event(" a")]),
    "two lines of data": (b"data: a\ndata: b\n\n", [event("a\nb")]),
    "an empty line of data": (b"data\ndata:\n\n", [event("\n")]),
    "a name": (b"event: ping\ndata: {}\n\n", [event("{}", "ping")]),
    "a name without space, not UTF-8": (b"event:p\xff\ndata: a\n\n", [event("a", "p\ufffd")]),
    "a name counts for one event": (b"event: x\n\ndata: a\n\n", [event("a")]),
    "comments, ids, retries and unknown fields": (b": hi\nid: 1\nretry: 5\nx: y\ndata: a\n\n: bye\n\n", [event("a")]),
    "CRLF": (b"event: x\r\ndata: a\r\ndata: b\r\n\r\n", [event("a\nb", "x")]),
    "CR": (b"data: a\rdata: b\r\rdata: c\r\r", [event("a\nb"), event("c")]),
    "all line ends in turn": (b"data: a\r\n\ndata: b\n\rdata: c\r\r\n", [event("a"), event("b"), event("c")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [event("a")]),
    "other line separators are text": ("data: a\u2028b\x0b\x0c\x85\n\n".encode(), [event("a\u2028b\x0b\x0c\x85")]),
    "blank lines": (b"\n\n\ndata: a\n\n\n\n", [event("a")]),
    "the last blank line is missing": (b"data: a\n", [event("a")]),
    "a cut line is dropped": (b"data: a\ndata: b", [event("a")]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("body, events", CASES.values(), ids=list(CASES))
def test_a_body_is_read_whole_and_byte_by_byte(body: bytes, events: list[ServerSentEvent]) -> None:
    """The events do not depend on how the bytes came."""
    assert read([body]) == events
    assert read([body[at : at + 1] for at in range(len(body))]) == events


@given(name=st.sampled_from(sorted(CASES)), places=st.lists(st.integers(0, 80), max_size=5))
def test_a_body_is_read_at_any_split(name: str, places: list[int]) -> None:
    """Line ends and characters may be split anywhere; empty pieces change nothing."""
    body, events = CASES[name]
    marks = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    assert read([body[start:end] for start, end in itertools.pairwise(marks)]) == events


@pytest.mark.parametrize("line", [b"", b"data: a\n"])
def test_a_huge_event_is_refused(line: bytes) -> None:
    """One event is bounded, in one line or in many; a long stream is not."""
    reader = SseReader()
    for _ in range(EVENT_LIMIT_BYTES // 65536 + 1):
        reader.feed(b"data: " + b"x" * 65536 + b"\n\n")
    for _ in range(EVENT_LIMIT_BYTES // (65536 + len(line))):
        reader.feed(b"x" * 65536 + line)
    with pytest.raises(UpstreamFailed, match="8388608 bytes"):
        reader.feed(b"x" * 65536)


def test_the_data_of_one_event_is_read() -> None:
    """The lines of data are joined, the others left out."""
    assert (read_data(b": a\nevent: b\ndata: c\ndata: d"), read_data(b": a")) == (b"c\nd", b"")
