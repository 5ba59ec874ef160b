"""Known answers: an answer whose head is known is told as one that is parsed, and leaves its connection as it was."""

import asyncio

import pytest

from setaria.adapters.upstreams.http.connection import HttpConnection
from setaria.adapters.upstreams.http.request import Header, PooledRequest
from setaria.core.outbox import Outbox
from tests.adapters.upstreams.http.test_splits import Tape

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
HELLO, LONGER = HEAD % 5 + b"hello", HEAD % 11 + b"hello again"
CLOSING = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\ncontent-length: %d\r\n\r\n" % len(HELLO)


class Ear(Tape):
    """Also keeps the headers, and may give up when it hears them."""

    def __init__(self, pooled: "list[PooledRequest]", *, gives_up: bool) -> None:
        super().__init__()
        self.headers: list[Header] = []
        self._pooled = pooled
        self._gives_up = gives_up

    def head(self, status: int, headers: list[Header]) -> None:
        super().head(status, headers)
        self.headers = headers
        if self._gives_up:
            self._pooled[0].cancel()


class Line:
    """A connection on which one answer after another comes."""

    def __init__(self) -> None:
        self.home = Tape()
        self.connection = HttpConnection(self.home)
        self.connection.connection_made(self.home)  # type: ignore[arg-type]  # as far as a connection needs one

    def ask(self, *pieces: bytes, method: str = "POST", gives_up: bool = False) -> Ear:
        """Send a request and play its answer."""
        pooled: list[PooledRequest] = []
        ear = Ear(pooled, gives_up=gives_up)
        pooled.append(PooledRequest(ear, b"request", method, ear))
        self.connection.start(pooled[0])
        for piece in pieces:
            self.connection.data_received(piece)
        return ear


def test_the_second_answer_is_known_and_told_as_the_first() -> None:
    """An answer with a known head is told with its own length, and the connection is kept after it."""
    line = Line()
    first = line.ask(HELLO)
    assert line.home.known is not None
    second, third = line.ask(LONGER), line.ask(HELLO)
    assert [(each.status, each.content, each.ends) for each in (first, second, third)] == [
        (200, b"hello", 1),
        (200, b"hello again", 1),
        (200, b"hello", 1),
    ]
    assert dict(second.headers) == {b"content-type": b"application/json", b"content-length": b"11"}
    assert line.home.kept == 3
    line.connection.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    assert line.home.is_closed


@pytest.mark.parametrize("split", range(1, len(LONGER)))
def test_one_that_comes_in_pieces_is_parsed(split: int) -> None:
    """Whether its head is known or not, an answer that comes in pieces is read by the parser."""
    line = Line()
    line.ask(HELLO)
    assert line.ask(LONGER[:split], LONGER[split:]).outcome == (200, b"hello again", 1, type(None), 0)
    assert line.ask(HELLO).content == b"hello"


def test_an_empty_body_is_none() -> None:
    """An answer of no bytes has no body to tell."""
    line = Line()
    line.ask(HELLO)
    assert line.ask(HEAD % 0).outcome == (200, b"", 1, type(None), 0)


def test_a_sink_that_gives_up_hears_no_more() -> None:
    """Who cancels when it hears the head of a known answer hears neither body nor end."""
    line = Line()
    line.ask(HELLO)
    assert line.ask(HELLO, gives_up=True).outcome == (200, b"", 0, type(None), 0)
    assert line.home.is_closed


def test_an_answer_that_nobody_waits_for_is_passed_over() -> None:
    """A request that was cancelled is told nothing of its known answer."""
    line = Line()
    line.ask(HELLO)
    ear = Ear([], gives_up=False)
    pooled = PooledRequest(ear, b"request", "POST", ear)
    line.connection.start(pooled)
    pooled.cancelled = True
    line.connection.data_received(HELLO)
    assert (ear.status, ear.content, ear.ends) == (0, b"", 0)


@pytest.mark.parametrize("answer", [CLOSING, INTERIM + HELLO, HELLO + b"x", HELLO.replace(b"200 OK", b"404 Not Found")])
def test_what_says_more_than_its_length_is_not_learned(answer: bytes) -> None:
    """Heads whose meaning is another than an answer that is good, with nothing before or after it, stay unknown."""
    line = Line()
    assert line.ask(answer).ends == 1
    assert line.home.known is None


def test_a_head_without_body_is_not_learned() -> None:
    """An answer to HEAD has no body, whatever its head says."""
    line = Line()
    assert line.ask(HEAD % 5, method="HEAD").ends == 1
    assert line.home.known is None


def test_another_head_is_learned_when_its_time_has_come() -> None:
    """Servers that tell a number of their own in each head cost nothing but the parsing, until the next tick."""
    line = Line()
    line.ask(HELLO)
    other = HELLO.replace(b"content-type", b"x-number: 7\r\ncontent-type")
    known = line.home.known
    assert line.ask(other).content == b"hello"
    assert line.home.known == known
    line.home.may_learn = True
    assert line.ask(other).content == b"hello"
    assert line.home.known != known


def test_a_request_that_is_cancelled_in_its_turn_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request goes out when the turn is over, unless its connection was closed by then."""

    async def story() -> tuple[list[bytes], list[bytes]]:
        line, sent = Line(), list[bytes]()
        line.home.outbox = Outbox()
        monkeypatch.setattr(line.home, "write", sent.append)
        line.connection.start(PooledRequest(line.home, b"first", "POST", line.home))
        await asyncio.sleep(0)
        before = [*sent]
        line.connection.data_received(HELLO)
        pooled = PooledRequest(line.home, b"second", "POST", Tape())
        line.connection.start(pooled)
        pooled.cancel()
        await asyncio.sleep(0)
        return before, [*sent]

    assert asyncio.run(story()) == ([b"first"], [b"first"])
