"""Last bytes: an answer that waits for the end of the turn is never lost to what happens meanwhile."""

import pytest

from setaria.entrypoints.api.connection import LINGER_TIMEOUT_S
from tests.entrypoints.api.serving import CHAT, GOOD, Site, visit
from tests.entrypoints.api.test_known_requests import connection_of
from tests.fakes.scripted_upstream import HELLO, PAUSE, ScriptedUpstream
from tests.fakes.waiting import turns, until

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("what", ["eof", "stop"])
def test_an_answer_goes_out_before_the_connection_is_closed(what: str) -> None:
    """A client that ends its side, and a server that stops, close the connection; the answer is sent before."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        await until(lambda: bool(site.server._connections))
        connection = connection_of(site)
        site.server.tick()
        connection.outbox.put(connection, ANSWER)
        if what == "eof":
            assert connection.eof_received() is False
        else:
            await site.server.stop(0.0)
        assert (await wire.answer()).body == b"ok"

    visit(story)


def test_a_refusal_waits_for_the_answer_before_it() -> None:
    """What closes the connection goes out after what was put in before, whatever turn it is."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        await until(lambda: bool(site.server._connections))
        connection = connection_of(site)
        site.server.outbox.put(connection, ANSWER)
        connection.data_received(b"no HTTP at all\r\n\r\n")
        assert (await wire.answer()).body == b"ok"
        assert (await wire.answer()).status == 400

    visit(story)


def test_an_answer_to_a_client_that_left_is_dropped() -> None:
    """A connection that is lost before the turn is over takes its answer with it, and harms nobody."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        await until(lambda: bool(site.server._connections))
        connection = connection_of(site)
        site.server.outbox.put(connection, ANSWER)
        connection.connection_lost(None)
        site.server.outbox.flush()
        wire.writer.close()
        assert (await site.ask(site.request("POST", CHAT, GOOD))).status == 200

    visit(story)


def test_answers_to_a_pipelining_client_go_out_before_the_server_closes() -> None:
    """Of requests sent at once those before the server's close are answered; what lies unread costs no answer."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        request = site.request("POST", CHAT, GOOD)
        wire.send(request * 2)
        await until(lambda: site.stage.upstream.attempts)
        wire.send(request * 3)
        await until(lambda: len(connection_of(site)._waiting) > 1)
        wire.send(request * 1_000)  # lies in the kernel: the server reads no further ahead
        await turns(200)
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # an answer is not read at once
        site.server.stopping = True
        site.stage.upstream.go_on()
        await until(lambda: not site.server._tasks)
        wire.send(request)  # what comes after the close, too
        await turns()
        wire.reader._transport.resume_reading()  # type: ignore[attr-defined]  # only now it reads
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"], answer.is_whole) == (200, "close", True)
        assert await wire.is_closed()

    visit(story, ScriptedUpstream(PAUSE, *HELLO))


def test_a_last_answer_that_is_read_slowly_goes_out_whole() -> None:
    """The two seconds for what the client still sends begin when it has its answer."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        await until(lambda: bool(site.server._connections))
        connection = connection_of(site)
        body = b"x" * 30_000_000
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # the client does something else
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        wire.send(b"no HTTP at all\r\n\r\n")
        await until(lambda: connection._lingering)
        for _ in range(3):
            site.stage.clock.advance(LINGER_TIMEOUT_S)
            site.server.tick()
            await turns()
        wire.reader._transport.resume_reading()  # type: ignore[attr-defined]  # and comes back to it
        assert (await wire.answer()).body == body
        assert (await wire.answer()).status == 400
        assert await wire.is_closed()

    visit(story)
