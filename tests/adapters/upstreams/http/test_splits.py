"""Splits: however a hostile server cuts what it sends, its answer is told once, and none of it reaches the next."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from setaria.adapters.upstreams.http.connection import HEADER_LIMIT_BYTES, HttpConnection, KnownAnswer
from setaria.adapters.upstreams.http.request import Header, PooledRequest, Request
from setaria.core.errors import UpstreamCut, UpstreamError, UpstreamFailed
from setaria.core.outbox import Outbox
from tests.fakes.outbox import PromptOutbox

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
FAILED = (0, b"", 0, UpstreamFailed, 0)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


class Tape:
    """What a pool, a transport and a sink are told by a connection; implements all three."""

    name = "vllm-1"
    known: KnownAnswer | None = None
    may_learn = True
    outbox: Outbox = PromptOutbox()

    def __init__(self) -> None:
        self.kept = self.again_asked = self.ends = 0
        self.is_closed = False
        self.status = 0
        self.content = b""
        self.error: UpstreamError | None = None

    # ---- the pool

    def keep(self, connection: HttpConnection) -> None:
        self.kept += 1

    def forget(self, connection: HttpConnection) -> None: ...

    def again(self, pooled: Request) -> None:
        self.again_asked += 1

    def withdraw(self, pooled: Request) -> None: ...

    # ---- the transport

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    # ---- the sink

    def head(self, status: int, headers: list[Header]) -> None:
        assert (self.status, self.is_over) == (0, False)
        self.status = status

    def body(self, data: bytes) -> None:
        assert self.status
        assert data
        assert not self.is_over
        self.content += data

    def end(self) -> None:
        assert self.status
        assert not self.is_over
        self.ends += 1

    def fail(self, error: UpstreamError) -> None:
        assert not self.is_over
        self.error = error

    @property
    def is_over(self) -> bool:
        """Whether the answer's end was told."""
        return bool(self.ends or self.error)

    @property
    def outcome(self) -> tuple[object, ...]:
        """What the caller hears of it, and what becomes of the connection."""
        return self.status, self.content, self.ends, type(self.error), self.kept


def play(pieces: Iterable[bytes], method: str = "POST", *, rests: bool = False) -> Tape:
    """Send one request and play the server's bytes, after which it closes; `rests`: it rests wherever it may."""
    tape = Tape()
    connection = HttpConnection(tape)
    connection.connection_made(tape)  # type: ignore[arg-type]  # it is a transport as far as a connection needs one
    connection.start(PooledRequest(tape, b"request", method, tape), fresh=True)
    for piece in pieces:
        if tape.is_closed:
            break
        connection.data_received(piece)
        if rests:
            connection.rest()
    connection.connection_lost(None)
    assert tape.is_over
    return tape


ANSWERS: list[tuple[bytes, tuple[object, ...]]] = [
    (OK + b"content-length: 5\r\n\r\nhello", (200, b"hello", 1, type(None), 1)),
    (INTERIM + OK + b"content-length: 5\r\n\r\nhello", (200, b"hello", 1, type(None), 1)),
    (INTERIM * 50 + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", (200, b"hello", 1, type(None), 1)),
    (CHUNKED + b'2;a=b\r\nhe\r\n3;c="d"\r\nllo\r\n0;e\r\nx-t: 1\r\n\r\n', (200, b"hello", 1, type(None), 1)),
    (OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello", (200, b"hello", 1, type(None), 0)),
    (OK + b"\r\nhello", (200, b"hello", 1, type(None), 0)),
    (OK + b"content-length: 9\r\n\r\nhello", (200, b"hello", 0, UpstreamCut, 0)),
    (CHUNKED + b"5\r\nhello\r\n0\r\n", (200, b"hello", 0, UpstreamCut, 0)),
    (CHUNKED + b"5\r\nhello\r\n", (200, b"hello", 0, UpstreamCut, 0)),
    (CHUNKED + b"5\r\nhello\r\nxyz\r\n", (200, b"hello", 0, UpstreamCut, 0)),
    (INTERIM, FAILED),
    (b"", FAILED),
    (b"HTTP/1.1 2OO OK\r\n\r\n", FAILED),
    (b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", FAILED),
    (OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", FAILED),
    (OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", FAILED),
    (OK + b"x: " + b"y" * HEADER_LIMIT_BYTES + b"\r\n\r\n", FAILED),
    (b"HTTP/1.1 103 Early\r\n" + b"x: y\r\n" * 15_000 + b"\r\n", FAILED),
    (CHUNKED + b"5;" + b"x" * 2 * HEADER_LIMIT_BYTES, (200, b"", 0, UpstreamCut, 0)),
    (CHUNKED + b"0\r\nx: " + b"y" * 2 * HEADER_LIMIT_BYTES, (200, b"", 0, UpstreamCut, 0)),
    (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nraw", FAILED),
]  # fmt: skip


@pytest.mark.parametrize("data, outcome", ANSWERS)
def test_every_split(data: bytes, outcome: tuple[object, ...]) -> None:
    """An answer that is cut in two at any byte, or comes byte by byte, is told the same."""
    assert play([data]).outcome == outcome
    step = 1 + len(data) // 500
    for at in range(1, len(data), step):
        assert play([data[:at], data[at:]]).outcome == outcome, at
        assert play([data[:at], data[at:]], rests=True).outcome == outcome, at
    if step == 1:
        assert play(data[at : at + 1] for at in range(len(data))).outcome == outcome
        assert play((data[at : at + 1] for at in range(len(data))), rests=True).outcome == outcome


@pytest.mark.parametrize("data", [data for data, outcome in ANSWERS if outcome[-1]])
@pytest.mark.parametrize("more", [b"x", b"\r\nx", OK, OK + b"content-length: 5\r\n\r\nother", b"\x00"])
def test_what_follows_an_answer(data: bytes, more: bytes) -> None:
    """What comes after the end in one piece with it keeps the connection from the pool, and is told to nobody."""
    told = play([data + more]).outcome
    assert told[:-1] == play([data]).outcome[:-1]
    for at in range(len(data) - 6, len(data)):
        assert play([data[:at], data[at:] + more]).outcome == told


def test_what_comes_while_idle_closes() -> None:
    """A server that speaks when nobody asked is not asked again."""
    tape = Tape()
    connection = HttpConnection(tape)
    connection.connection_made(tape)  # type: ignore[arg-type]  # as above
    connection.start(PooledRequest(tape, b"request", "POST", tape), fresh=True)
    connection.data_received(ANSWERS[0][0])
    assert (tape.kept, tape.is_closed) == (1, False)
    connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother")
    assert (tape.is_closed, connection.is_open, tape.content) == (True, False, b"hello")


PIECES = [
    b"\r\n", b"\n", b"\x00", b"\xff", b"0\r\n\r\n", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", OK,
    b"connection: upgrade\r\nupgrade: x\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"fffffffff\r\n", b"x" * 70_000,
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([data for data, _ in ANSWERS if len(data) < 5000]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.sampled_from(PIECES)), max_size=3),
    st.lists(st.integers(0, 500), max_size=4),
    st.sampled_from(["POST", "GET", "HEAD"]),
)
@example(OK + b"content-length: 5\r\n\r\nhello", [(17, 0, b"HTTP/1.1 100 Continue\r\n\r\n")], [], "HEAD")
def test_any_change(data: bytes, changes: list[tuple[int, int, bytes]], places: list[int], method: str) -> None:
    """No bytes make a connection fail, tell two ends or none, or tell more after the end."""
    for at, dropped, put in changes:
        data = data[:at] + put + data[at + dropped :]
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    pieces = [data[begin:end] for begin, end in itertools.pairwise(bounds)]
    assert play(pieces, method).outcome == play(pieces, method, rests=True).outcome


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60) | st.sampled_from(PIECES), max_size=8))
def test_any_bytes(pieces: list[bytes]) -> None:
    """Garbage of any kind is an answer that failed."""
    play(pieces)
