"""Known requests: one with a head that came before is answered as if it had been parsed."""

from collections.abc import Callable

import msgspec
import pytest

from setaria.entrypoints.api.connection import Connection
from setaria.entrypoints.api.head import HeadFacts, read_head
from setaria.entrypoints.api.known_request import MOST_SHARED, KnownRequest, learn_request
from setaria.wire.http_head import KnownHead
from tests.entrypoints.api.serving import CHAT, GOOD, LIMITS, MESSAGES, STREAM, Answer, Site, Wire, visit
from tests.fakes.waiting import turns, until

SMALL = msgspec.structs.replace(LIMITS, body_limit_bytes=200)


def longer(by: int) -> bytes:
    """Write the good body so many bytes longer."""
    return GOOD[:-1] + b" " * by + b"}"


async def ask(wire: Wire, *pieces: bytes) -> Answer:
    """Ask on a connection that is open already."""
    for piece in pieces:
        wire.send(piece)
        await turns(4)
    return await wire.answer()


def connection_of(site: Site) -> Connection:
    """Give the server's end of the only connection."""
    (connection,) = site.server._connections
    assert isinstance(connection, Connection)
    return connection


@pytest.mark.parametrize("path, body", [(CHAT, GOOD), (MESSAGES, GOOD), (CHAT, STREAM)])
def test_the_second_request_is_known(path: str, body: bytes) -> None:
    """The parser sees the first request only, and each answer is the same but for what is new in each."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        first = await ask(wire, site.request("POST", path, body))
        connection = connection_of(site)
        assert connection._known is not None
        connection._parser = None  # type: ignore[assignment]  # what would be parsed fails
        for by in (0, 1, 900):
            again = await ask(wire, site.request("POST", path, body[:-1] + b" " * by + body[-1:]))
            assert (again.status, again.headers.keys()) == (200, first.headers.keys())
            assert len(again.body) == len(first.body)

    site = visit(story)
    assert len(site.stage.ledger.rows) == 4
    assert len({row.id for row in site.stage.ledger.rows}) == 4


def test_any_split_of_a_known_request() -> None:
    """Cut in two at any byte it is parsed, and the next one is known again."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        request = site.request("POST", CHAT, GOOD)
        for at in range(len(request)):
            assert (await ask(wire, request[:at], request[at:])).status == 200

    visit(story)


def test_two_at_once_are_answered_in_order() -> None:
    """Requests that are sent early are parsed, whether their head is known or not."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        request = site.request("POST", CHAT, GOOD)
        assert (await ask(wire, request)).status == 200
        wire.send(request + site.request("GET", "/v1/models") + request)
        answers = [await wire.answer() for _ in range(3)]
        assert [(each.status, b"seedling" in each.body) for each in answers] == [(200, True)] * 3
        wire.send(request)
        await turns(1)
        wire.send(request)
        assert [(await wire.answer()).status for _ in range(2)] == [200, 200]

    visit(story)


REFUSED: list[tuple[int, Callable[[Site], bytes]]] = [
    (413, lambda site: site.request("POST", CHAT, longer(200))),
    (400, lambda site: site.request("POST", CHAT, GOOD, x="y", host="")),
    (401, lambda site: site.request("POST", CHAT, GOOD, authorization="Bearer sk-other")),
    (400, lambda site: site.request("POST", CHAT, GOOD).replace(b"length: ", b"length: +")),
    (400, lambda site: site.request("POST", CHAT, GOOD, transfer_encoding="chunked")),
]


@pytest.mark.parametrize("status, write", REFUSED)
def test_what_differs_is_looked_at(status: int, write: Callable[[Site], bytes]) -> None:
    """Every other head is parsed and checked, and the body's limit holds for known ones too."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        assert (await ask(wire, site.request("POST", CHAT, GOOD))).status == 200
        assert connection_of(site)._known is not None
        assert (await ask(wire, write(site))).status == status

    visit(story, limits=SMALL)


def test_a_revoked_key_is_refused_on_a_known_head() -> None:
    """What a head says is known, not what it is good for."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        request = site.request("POST", CHAT, GOOD)
        assert (await ask(wire, request)).status == 200
        site.stage.ledger.callers.clear()
        site.stage.platform.keys.forget()
        refused = await ask(wire, request)
        assert refused.status == 401
        assert (await ask(wire, request)).status == 401

    visit(story)


@pytest.mark.parametrize("headers", [{"connection": "close"}, {"transfer_encoding": "chunked", "content_length": ""}])
def test_what_can_not_come_again_is_not_learned(headers: dict[str, str]) -> None:
    """A request after which the connection closes, or that has no length."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD) if "transfer_encoding" in headers else GOOD
        wire.send(site.request("POST", CHAT, b"", **({"content_length": str(len(GOOD))} | headers)) + body)
        await until(lambda: bool(site.server._connections))
        connection = connection_of(site)
        assert (await wire.answer()).status == 200
        assert connection._known is None

    visit(story)


def test_a_client_whose_heads_all_differ_costs_one_learning() -> None:
    """Another head is learned only after the one before has come again."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        requests = [site.request("POST", CHAT, GOOD, x=str(number)) for number in range(3)]
        assert (await ask(wire, requests[0])).status == 200
        connection = connection_of(site)
        first = connection._known
        assert (await ask(wire, requests[1])).status == 200
        assert connection._known is first
        assert (await ask(wire, requests[0])).status == 200
        assert (await ask(wire, requests[2])).status == 200
        assert connection._known is not first

    visit(story)


def test_an_empty_body_is_none() -> None:
    """A known head whose length is 0 has no body to take."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        assert (await ask(wire, site.request("POST", CHAT, GOOD))).status == 200
        assert connection_of(site)._known is not None
        assert (await ask(wire, site.request("POST", CHAT, content_length="0"))).status == 400

    visit(story)


def test_a_head_that_many_connections_have_is_kept_once() -> None:
    """What was learned on one connection is the same thing on the next; of very many the oldest are forgotten."""
    known: dict[KnownHead, KnownRequest] = {}

    def learn(name: int) -> KnownRequest:
        data = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h%d\r\ncontent-length: 2\r\n\r\n{}" % name
        facts = HeadFacts("POST", b"/v1/chat/completions", "1.1", keep_alive=True)
        head = read_head(facts, [(b"host", b"h%d" % name), (b"content-length", b"2")], 100)
        learned = learn_request(data, head, known)
        assert learned is not None
        return learned

    first = learn(0)
    assert (learn(0) is first, len(known)) == (True, 1)
    for name in range(MOST_SHARED):
        learn(name + 1)
    assert (learn(0) is first, learn(0) == first, len(known)) == (False, True, 2)
