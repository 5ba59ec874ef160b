"""Slow readers: who reads slowly is waited for, who does not read at all is cut off, and little pieces stay little."""

import socket
import sys

import pytest

from setaria.core.events import TextDelta
from setaria.core.ids import CallId
from setaria.core.outbox import Outbox
from setaria.entrypoints.api.exchange import Exchange
from setaria.entrypoints.api.head import HeadFacts, unread_head
from setaria.entrypoints.api.unread import READ_TIMEOUT_S, Unread
from tests.entrypoints.api.serving import CHAT, GOOD, STREAM, Site, Wire, visit
from tests.fakes.outbox import PromptOutbox
from tests.fakes.scripted_upstream import END, PAUSE, ScriptedUpstream
from tests.fakes.waiting import turns, until

LONG = "x" * 20_000_000
RECEIVE_BYTES = 256 * 1024


def pass_time(site: Site, seconds: float) -> None:
    """Let time pass, a tick a second or so."""
    for _ in range(10):
        site.stage.clock.advance(seconds / 10)
        site.server.tick()


async def ask_and_stop(site: Site, body: bytes) -> Wire:
    """Ask, and read no more than the answer's first byte and what fits into the buffers on the way."""
    wire = await site.connect()
    # Else the kernel's buffer grows with what is read (7 MB were seen), and now and then takes the rest of the answer.
    wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    wire.send(site.request("POST", CHAT, body))
    await wire.reader.readexactly(1)
    return wire


@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_who_does_not_read_a_whole_answer_is_cut_off(body: bytes) -> None:
    """An answer that nobody takes does not hold its connection for ever, even after it is over and on the books."""

    async def story(site: Site) -> None:
        await ask_and_stop(site, body)
        await until(lambda: site.stage.ledger.rows)
        await turns()
        pass_time(site, READ_TIMEOUT_S / 2)
        await turns()
        assert site.server._connections
        pass_time(site, READ_TIMEOUT_S)
        await until(lambda: not site.server._connections)

    site = visit(story, ScriptedUpstream((TextDelta(LONG),), END))
    assert [row.ending for row in site.stage.ledger.rows] == ["completed"]


def test_who_does_not_read_a_stream_is_cut_off() -> None:
    """The upstream of a stream that nobody takes is let go, and its row says that the client left."""

    async def story(site: Site) -> None:
        await ask_and_stop(site, STREAM)
        await until(lambda: "pause" in site.stage.upstream.attempts[0].did)
        pass_time(site, READ_TIMEOUT_S + 20)
        await until(lambda: site.stage.ledger.rows)
        assert site.stage.upstream.attempts[0].did == ["pause", "cancel"]

    site = visit(story, ScriptedUpstream((TextDelta(LONG),), PAUSE))
    assert [row.ending for row in site.stage.ledger.rows] == ["client_gone"]


def test_who_reads_slowly_is_waited_for() -> None:
    """A client that takes something every now and then keeps its connection."""

    async def story(site: Site) -> None:
        wire = await ask_and_stop(site, STREAM)
        await until(lambda: site.stage.ledger.rows)
        for _ in range(3):
            await wire.reader.readexactly(3_000_000)
            pass_time(site, READ_TIMEOUT_S / 2)
            await turns()
            assert site.server._connections

    visit(story, ScriptedUpstream((TextDelta(LONG),), END))


@pytest.mark.parametrize(
    "seen, stuck",
    [
        ([(0, 0.0), (0, 500.0)], False),
        ([(10, 0.0), (10, 119.0)], False),
        ([(10, 0.0), (10, 120.0)], True),
        ([(10, 0.0), (9, 119.0), (9, 238.0)], False),
        ([(10, 0.0), (12, 60.0), (12, 120.0)], True),
        ([(10, 0.0), (0, 60.0), (10, 121.0)], False),
    ],
)
def test_when_a_client_is_stuck(seen: list[tuple[int, float]], stuck: bool) -> None:
    """Less than before is progress, more than before is none."""
    unread = Unread()
    assert [unread.is_stuck(*each) for each in seen][-1] == stuck


class Nowhere:
    """A connection that leads nowhere; implements what an exchange needs of it."""

    full = False
    peer = ""
    outbox: Outbox = PromptOutbox()
    date = ""
    may_stay = True

    def send(self, data: bytes) -> None: ...

    def rest(self) -> None: ...

    def exchange_over(self, *, close: bool) -> None: ...

    def break_off(self) -> None: ...


@pytest.mark.parametrize("first", [1, 3000])
def test_a_body_in_little_pieces_takes_no_more_memory_than_it_has_bytes(first: int) -> None:
    """Each piece would be an object of its own, twenty times as large as what is in it."""
    exchange = Exchange(Nowhere(), CallId("c"), unread_head(HeadFacts("POST", b"/", "1.1", keep_alive=True)))
    exchange.add_body(b"a" * first)
    for _ in range(50_000):
        exchange.add_body(b"bc")
    assert sum(sys.getsizeof(part) for part in exchange._parts) + sys.getsizeof(exchange._parts) < 200_000
    exchange.add_body(b"d" * 5000)
    exchange.add_body(b"e")
    assert exchange.size_bytes == first + 105_001
    assert b"".join(exchange._parts) == b"a" * first + b"bc" * 50_000 + b"d" * 5000 + b"e"
