"""Life of a connection: its deadlines, its ends, and what happens when either side is slow or leaves."""

import asyncio
import time

import msgspec
import pytest

from setaria.core.errors import UpstreamCut
from setaria.core.events import TextDelta
from setaria.entrypoints.api import server as serving_module
from setaria.gateway.defect import locate_defect
from tests.entrypoints.api.serving import CHAT, GOOD, LIMITS, MESSAGES, STREAM, Site, visit
from tests.fakes.scripted_upstream import END, HELLO, PAUSE, ScriptedUpstream
from tests.fakes.waiting import turns, until

HELLO_FIRST = (TextDelta("Hello"),)


def pass_time(site: Site, seconds: float) -> None:
    """Let time pass, and the server look at its clock."""
    site.stage.clock.advance(seconds)
    site.server.tick()


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"])
def test_headers_that_do_not_come(before: bytes) -> None:
    """A head that is not whole in 10 seconds is refused, however it trickles in, and wherever it began."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(before + b"GET / HTTP/1.1\r\nhost")
        if before:
            assert (await wire.answer()).status == 200
        await turns()
        for _ in range(4):
            pass_time(site, 2.4)
            wire.send(b"x")
            await turns()
        pass_time(site, 0.5)
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert "x-should-retry" not in answer.headers
        assert await wire.is_closed()

    visit(story)


def test_a_body_that_does_not_come() -> None:
    """A body may trickle in for long, but not stand still for 30 seconds."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, content_length="1000") + b"{")
        await until(lambda: site.server._held_bytes)
        for _ in range(5):
            held = site.server._held_bytes
            pass_time(site, 29)
            wire.send(b" ")
            await until(lambda held=held: site.server._held_bytes > held)  # type: ignore[misc]  # a default binds it
        pass_time(site, 30)
        answer = await wire.answer()
        assert (answer.status, "body did not arrive" in answer.error["message"]) == (408, True)
        assert await wire.is_closed()

    visit(story)


def test_a_body_that_takes_too_long_in_all() -> None:
    """A body that never stands still for long has 10 minutes in all."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, content_length="1000") + b"{")
        await until(lambda: site.server._held_bytes)
        for _ in range(23):
            held = site.server._held_bytes
            pass_time(site, 25)
            wire.send(b" ")
            await until(lambda held=held: site.server._held_bytes > held)  # type: ignore[misc]  # a default binds it
        pass_time(site, 24.9)
        await turns()
        assert site.server._held_bytes
        pass_time(site, 0.1)
        answer = await wire.answer()
        assert (answer.status, "body did not arrive" in answer.error["message"]) == (408, True)
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("seconds, used", [(9.9, False), (10.0, False), (74.9, True), (75.0, True)])
def test_an_idle_connection(seconds: float, used: bool) -> None:
    """A connection may be idle for 75 seconds, but one that never said anything for 10 only."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        if used:
            wire.send(site.request("POST", CHAT, GOOD))
            assert (await wire.answer()).status == 200
        await until(lambda: site.server._connections)
        pass_time(site, seconds)
        if seconds in (10.0, 75.0):
            assert await wire.is_closed()
        else:
            wire.send(site.request("POST", CHAT, GOOD))
            assert (await wire.answer()).status == 200

    visit(story)


def test_a_long_answer_has_no_deadline() -> None:
    """Neither a silent nor a flowing answer is ended by the connection's clocks."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, STREAM))
        for _ in range(3):
            await until(lambda: site.stage.upstream.attempts)
            pass_time(site, 1000)
            await turns()
            site.stage.upstream.go_on()
        assert (await wire.answer()).is_whole

    visit(story, ScriptedUpstream(PAUSE, HELLO_FIRST, PAUSE, HELLO_FIRST, PAUSE, END))


def test_a_client_that_reads_no_answer() -> None:
    """A refused client that goes on sending is cut off two seconds after its answer."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, content_length="100000", authorization=""))
        assert (await wire.answer()).status == 401
        wire.send(b"aaaa")
        await turns()
        assert site.server._connections
        pass_time(site, 2.0)
        await until(lambda: not site.server._connections)

    visit(story)


@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_a_client_that_sends_no_more(body: bytes) -> None:
    """A client that closes its sending half after a whole request gets its answer, and the connection ends."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, body))
        wire.writer.write_eof()
        await until(lambda: site.stage.upstream.attempts)
        await asyncio.sleep(0.08)  # the server tries whether the client is still there
        site.stage.upstream.go_on()
        answer = await wire.answer()
        assert (answer.status, answer.is_whole, b"Hello" in answer.body) == (200, True, True)
        assert await wire.is_closed()
        assert not site.stage.upstream.attempts[0].cancelled

    visit(story, ScriptedUpstream(PAUSE, *HELLO))


def test_requests_before_the_client_sends_no_more() -> None:
    """All requests that were whole before the client closed its sending half are answered."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, GOOD) * 3)
        wire.writer.write_eof()
        assert [(await wire.answer()).status for _ in range(3)] == [200] * 3
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("tail", [b"zzz\r\n", b"\x00"])
def test_a_broken_body_before_the_client_sends_no_more(tail: bytes) -> None:
    """A client that closes its sending half right after a broken body is still told what was wrong."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, transfer_encoding="chunked") + tail)
        wire.writer.write_eof()
        assert (await wire.answer()).status == 400
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("body", [GOOD, STREAM])
@pytest.mark.parametrize("said", [0, 1])
@pytest.mark.parametrize("target", [CHAT, MESSAGES])
def test_a_client_that_leaves(body: bytes, said: int, target: str) -> None:
    """A client that closes its connection frees its place at the upstream within 100 ms, in stream or silence."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", target, body))
        await until(lambda: site.stage.upstream.attempts)
        if said and body is STREAM:
            await wire.reader.readuntil(b"Hello")
        await turns()
        wire.close()
        left_at_s = time.monotonic()
        await until(lambda: site.stage.upstream.attempts[0].cancelled)
        assert time.monotonic() - left_at_s < 5
        await until(lambda: site.stage.ledger.rows)
        assert [row.ending for row in site.stage.ledger.rows] == ["client_gone"]

    visit(story, ScriptedUpstream(*[HELLO_FIRST] * said, PAUSE, END))


def test_a_client_that_leaves_in_its_body() -> None:
    """A client that goes before its request is whole leaves a line in the log, and no row."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, content_length="1000") + b"{")
        await until(lambda: site.server._held_bytes)
        wire.close()
        await until(lambda: "client_gone_early" in site.stage.log.events)

    assert visit(story).stage.ledger.rows == []


def test_a_slow_reader_holds_the_upstream_up() -> None:
    """An upstream is paused while its reader does not keep up, and resumed when it has."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, STREAM))
        await until(lambda: site.stage.upstream.attempts)
        attempt = site.stage.upstream.attempts[0]
        for _ in range(200):
            if "pause" in attempt.did:
                break
            attempt.say((TextDelta("x" * 100_000),))
            await turns(3)
        assert attempt.did == ["pause"]
        reading = asyncio.get_running_loop().create_task(wire.answer())
        await until(lambda: "resume" in attempt.did)
        site.stage.upstream.go_on()
        assert (await reading).is_whole

    visit(story, ScriptedUpstream(PAUSE, END))


def test_a_full_server() -> None:
    """A connection above the cap is told so and closed; when another ends there is room again."""

    async def story(site: Site) -> None:
        first, second = await site.connect(), await site.connect()
        first.send(site.request("GET", "/healthz"))
        assert (await first.answer()).status == 200
        await until(lambda: len(site.server._connections) == 2)
        third = await site.connect()
        answer = await third.answer()
        assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (503, "1", "close")
        assert await third.is_closed()
        third.close()
        second.close()
        await until(lambda: len(site.server._connections) == 1)
        assert (await site.ask(site.request("GET", "/healthz"))).status == 200

    visit(story, limits=msgspec.structs.replace(LIMITS, max_connections=2))


def test_a_server_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies above the memory there is wait; those that find none in 5 seconds are refused, and others go on."""
    monkeypatch.setattr(serving_module, "BODY_MEMORY_BYTES", 100_000)

    async def story(site: Site) -> None:
        body = GOOD + b" " * 300_000
        patient, waiting = await site.connect(), await site.connect()
        patient.send(site.request("POST", CHAT, body))
        await until(lambda: site.server._starving)
        waiting.send(site.request("POST", CHAT, body))
        await until(lambda: len({id(each) for each in site.server._starving}) == 2)
        assert site.server._held_bytes < len(body) * 2
        pass_time(site, 5.0)
        answers = [await patient.answer(), await waiting.answer()]
        assert [answer.status for answer in answers] == [503, 503]
        assert "no memory left" in answers[0].error["message"]
        patient.close()
        waiting.close()
        await until(lambda: not site.server._connections)
        assert site.server._held_bytes == 0
        assert (await site.ask(site.request("POST", CHAT, GOOD))).status == 200

    visit(story)


def test_memory_that_comes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that waits for memory is read on when another call gives some back."""
    monkeypatch.setattr(serving_module, "BODY_MEMORY_BYTES", 400_000)

    async def story(site: Site) -> None:
        body = GOOD + b" " * 300_000
        first, second = await site.connect(), await site.connect()
        first.send(site.request("POST", CHAT, body))
        await until(lambda: site.stage.upstream.attempts)
        second.send(site.request("POST", CHAT, body))
        await until(lambda: site.server._starving)
        site.stage.upstream.go_on()
        assert (await first.answer()).status == 200
        await until(lambda: len(site.stage.upstream.attempts) == 2)
        site.stage.upstream.go_on()
        assert (await second.answer()).status == 200

    visit(story, ScriptedUpstream(PAUSE, *HELLO))


@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_a_shutdown_with_patience(body: bytes) -> None:
    """A server that ends lets its answers end, closes what is idle and takes no new connection."""

    async def story(site: Site) -> None:
        busy, idle, half = await site.connect(), await site.connect(), await site.connect()
        busy.send(site.request("POST", CHAT, body))
        half.send(b"GET / HTTP")
        await until(lambda: site.stage.upstream.attempts and len(site.server._connections) == 3)
        stopping = asyncio.get_running_loop().create_task(site.server.stop(5.0))
        assert await idle.is_closed()
        assert await half.is_closed()
        with pytest.raises(ConnectionError):
            await site.connect()
        site.stage.upstream.go_on()
        answer = await busy.answer()
        assert (answer.status, answer.is_whole, b"Hello" in answer.body) == (200, True, True)
        assert await busy.is_closed()
        await stopping
        assert [row.ending for row in site.stage.ledger.rows] == ["completed"]

    visit(story, ScriptedUpstream(PAUSE, *HELLO))


@pytest.mark.parametrize("target", [CHAT, MESSAGES])
@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_a_shutdown_without_patience(target: str, body: bytes) -> None:
    """An answer that outlasts the grace is ended with an error in its protocol, and written down."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", target, body))
        await until(lambda: site.stage.upstream.attempts)
        await site.server.stop(0.01)
        answer = await wire.answer()
        assert (answer.status, answer.is_whole) == (200 if body is STREAM else 503, True)
        assert b"the server is shutting down" in answer.body
        assert b"[DONE]" not in answer.body
        assert [row.ending for row in site.stage.ledger.rows] == ["shutdown"]

    visit(story, ScriptedUpstream(HELLO_FIRST, PAUSE, END))


def test_a_shutdown_does_not_cut_slow_readers() -> None:
    """What was written before the end still reaches a client that reads slowly."""
    text = "x" * 8_000_000

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, STREAM))
        await until(lambda: site.stage.ledger.rows)
        stopping = asyncio.get_running_loop().create_task(site.server.stop(0.0))
        await turns()
        answer = await wire.answer()
        assert (answer.is_whole, len(answer.body) > len(text)) == (True, True)
        wire.close()
        await stopping

    visit(story, ScriptedUpstream((TextDelta(text),), END))


@pytest.mark.parametrize("stream", [False, True])
def test_a_defect(stream: bool) -> None:
    """A defect is told as one where that is still possible, else the answer is visibly cut; the server goes on."""

    async def story(site: Site) -> None:
        site.stage.ledger.defect = ZeroDivisionError()
        answer = await site.ask(site.request("POST", CHAT, STREAM if stream else GOOD))
        assert (answer.status, answer.is_whole) == ((200, False) if stream else (500, True))
        assert str(site.stage.log.fields_of("defect")["error"]).startswith("ZeroDivisionError at ledger.py:")
        assert (await site.ask(site.request("GET", "/healthz"))).status == 200

    visit(story)
    assert locate_defect(ValueError("text")) == "ValueError at "


def test_a_cut_upstream() -> None:
    """An upstream that breaks off gives a stream that ends as HTTP wants it, with the error in-band."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, STREAM))
        answer = await wire.answer()
        assert (answer.is_whole, b"it broke off" in answer.body) == (True, True)
        wire.send(site.request("GET", "/healthz"))
        assert (await wire.answer()).status == 200

    visit(story, ScriptedUpstream(HELLO_FIRST, UpstreamCut("it broke off")))


def test_a_connection_is_used_again() -> None:
    """Many requests of both protocols, streams or not, go over one connection."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        for _ in range(5):
            for target in (CHAT, MESSAGES):
                for body in (GOOD, STREAM):
                    wire.send(site.request("POST", target, body))
                    answer = await wire.answer()
                    assert (answer.status, answer.headers.get("connection")) == (200, None)
        assert len({row.id for row in site.stage.ledger.rows}) == 20

    visit(story)
