"""Last bytes: an answer that waits for the end of the turn is never lost to what happens meanwhile."""

import pytest

from tests.entrypoints.api.serving import CHAT, GOOD, Site, visit
from tests.entrypoints.api.test_known_requests import connection_of
from tests.fakes.waiting import until

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("what", ["eof", "stop"])
def test_an_answer_goes_out_before_the_connection_is_closed(what: str) -> None:
    """A client that ends its side, and a server that stops, close the connection; the answer is sent before."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        await until(lambda: bool(site.server._connections))
        connection = connection_of(site)
        site.server.outbox.put(connection, ANSWER)
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
