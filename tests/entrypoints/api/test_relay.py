"""Relay: what is not the data plane's goes to the console process and comes back as it was, but for the hop."""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from setaria.adapters.upstreams.http.pool import HttpPool
from tests.entrypoints.api.serving import Site, visit
from tests.fakes.raw_server import CLOSE, SIZED, WAIT, RawServer, connect_to, raw_server
from tests.fakes.waiting import turns, until

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def relay(story: Callable[[Site, RawServer], Awaitable[None]], *script: tuple[bytes, ...]) -> Site:
    """Play a story on a site whose console answers by this script."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "door"

        async def whole(site: Site) -> None:
            async with raw_server(path, *script) as console:
                try:
                    await story(site, console)
                finally:
                    pool.close()

        pool = HttpPool("the console", connect_to(path))
        return visit(whole, console=pool)


WHOLE = [
    (SIZED, 200, b"hello"),
    (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 200, b"hello"),
    (b"HTTP/1.1 302 Found\r\nlocation: /console/\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n", 302, b""),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    (b"HTTP/1.1 304 Not Modified\r\netag: 1\r\n\r\n", 304, b""),
    (b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\ngone", 404, b"gone"),
]


@pytest.mark.parametrize("said, status, body", WHOLE)
def test_an_answer(said: bytes, status: int, body: bytes) -> None:
    """The console's answer comes back whole, with our request id, and the connection stays good."""

    async def story(site: Site, console: RawServer) -> None:
        wire = await site.connect()
        for _ in range(2):
            wire.send(site.request("GET", "/console/page"))
            answer = await wire.answer()
            assert (answer.status, answer.body, answer.is_whole) == (status, body, True)
            assert len(answer.headers["x-request-id"]) == 32
            assert answer.headers.get("location") == ("/console/" if status == 302 else None)
        wire.send(site.request("GET", "/healthz"))
        assert (await wire.answer()).body == b'{"status":"ok"}'
        assert console.connections == 1

    relay(story, (said,))


def test_an_answer_until_the_end_of_the_connection() -> None:
    """An answer whose length nobody told comes back whole."""

    async def story(site: Site, console: RawServer) -> None:
        answer = await site.ask(site.request("GET", "/console/"))
        assert (answer.status, answer.body, answer.is_whole) == (200, b"hello", True)

    relay(story, (b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", CLOSE))


@pytest.mark.parametrize("said", [said for said, _, _ in WHOLE[:2]])
def test_an_old_client(said: bytes) -> None:
    """A client of HTTP/1.0 gets the answer without chunks, and the end of the connection."""

    async def story(site: Site, console: RawServer) -> None:
        wire = await site.connect()
        wire.send(b"GET /console/ HTTP/1.0\r\n\r\n")
        answer = await wire.answer()
        assert (answer.body, answer.headers["connection"]) == (b"hello", "close")
        assert await wire.is_closed()

    relay(story, (said,))


def test_a_head() -> None:
    """HEAD comes back without a body and the connection stays good."""

    async def story(site: Site, console: RawServer) -> None:
        wire = await site.connect()
        for _ in range(2):
            wire.send(site.request("HEAD", "/console/"))
            answer = await wire.answer("HEAD")
            assert (answer.status, answer.headers["content-length"]) == (200, "5")
        assert [request[:14] for _, request in console.requests] == [b"HEAD /console/"] * 2

    relay(story, (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",))


@pytest.mark.parametrize("target", ["/", "/console", "/console/", "/console/sign-in?next=%2F"])
def test_what_is_the_consoles(target: str) -> None:
    """The start page and everything of the console is relayed with its query."""

    async def story(site: Site, console: RawServer) -> None:
        assert (await site.ask(site.request("GET", target))).status == 200
        ((_, request),) = console.requests
        assert request.startswith(f"GET {target} HTTP/1.1\r\n".encode())
        assert request.endswith(b"\r\nx-setaria-peer: 127.0.0.1\r\n\r\n")

    relay(story, (SIZED,))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("target", ["/console/", "/"])
def test_a_page_is_only_read(method: str, target: str) -> None:
    """What is not a reading is refused before its body has come, and the console hears nothing of it."""

    async def story(site: Site, console: RawServer) -> None:
        answer = await site.ask(site.request(method, target, content_length="1000000"))
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert console.requests == []

    relay(story, (SIZED,))


@pytest.mark.parametrize("name", ["x-setaria-peer", "X-Setaria-Peer", "X-SETARIA-PEER"])
def test_the_peer_can_not_be_forged(name: str) -> None:
    """The console hears the peer's address from us alone, and nothing that belongs to the client's own hop."""

    async def story(site: Site, console: RawServer) -> None:
        forged = {name: "6.6.6.6", "te": "trailers", "connection": "x-setaria-peer", "keep_alive": "5", "cookie": "a=b"}
        assert (await site.ask(site.request("GET", "/console/", b"", **forged))).status == 200
        ((_, request),) = console.requests
        lines = request.lower().split(b"\r\n")
        assert [line for line in lines if b"peer" in line] == [b"x-setaria-peer: 127.0.0.1"]
        assert [line for line in lines if line.startswith((b"te:", b"connection:", b"keep-alive:"))] == []
        assert (lines.count(b"cookie: a=b"), lines.count(b"host: localhost")) == (1, 1)

    relay(story, (SIZED,))


@pytest.mark.parametrize("framing", [{"content_length": "1000000"}, {"transfer_encoding": "chunked"}])
def test_a_page_takes_no_body(framing: dict[str, str]) -> None:
    """A reading that announces a body is refused before any of it has come, and the console hears nothing of it."""

    async def story(site: Site, console: RawServer) -> None:
        answer = await site.ask(site.request("GET", "/console/", b"", **framing))
        assert (answer.status, answer.error["message"]) == (400, "a request for a page has no body")
        assert console.requests == []

    relay(story, (SIZED,))


@pytest.mark.parametrize("said", [(CLOSE,), (b"SSH-2.0\r\n",)])
def test_a_console_that_gives_no_answer(said: tuple[bytes, ...]) -> None:
    """A console that says nothing good is told as an upstream that failed."""

    async def story(site: Site, console: RawServer) -> None:
        answer = await site.ask(site.request("GET", "/console/"))
        assert (answer.status, answer.error["type"]) == (502, "upstream_error")

    relay(story, said)


def test_a_console_that_is_not_there() -> None:
    """A console that can't be reached is told so, and the data plane goes on."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        for _ in range(2):
            wire.send(site.request("GET", "/console/"))
            answer = await wire.answer()
            assert answer.status in (502, 503)
            assert "the console can't be reached" in answer.error["message"]
        wire.send(site.request("GET", "/v1/models"))
        assert (await wire.answer()).status == 200

    visit(story)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", CHUNKED + b"5\r\nhello\r\n"])
def test_a_console_that_breaks_off(head: bytes) -> None:
    """An answer that breaks off is visibly cut."""

    async def story(site: Site, console: RawServer) -> None:
        answer = await site.ask(site.request("GET", "/console/"))
        assert (answer.status, answer.is_whole) == (200, False)

    relay(story, (head, CLOSE))


@pytest.mark.parametrize("said", [b"", CHUNKED + b"5\r\nhello\r\n"])
def test_a_client_that_leaves(said: bytes) -> None:
    """A client that leaves ends its request at the console."""

    async def story(site: Site, console: RawServer) -> None:
        wire = await site.connect()
        wire.send(site.request("GET", "/console/"))
        await until(lambda: console.requests)
        if said:
            await wire.reader.readuntil(b"hello")
        wire.close()
        if not said:
            await until(lambda: not site.server._tasks)
        console.go_on.set()
        await turns(50)

    relay(story, (said, WAIT, b"", b"5\r\nhello\r\n" * 3))


def test_a_shutdown() -> None:
    """An answer of the console that outlasts the grace is cut."""

    async def story(site: Site, console: RawServer) -> None:
        wire = await site.connect()
        wire.send(site.request("GET", "/console/"))
        await wire.reader.readuntil(b"hello\r\n")
        await site.server.stop(0.0)
        assert await wire.is_closed()

    relay(story, (CHUNKED + b"5\r\nhello\r\n", WAIT))


def test_a_slow_reader_holds_the_console_up() -> None:
    """What the client does not read stays at the console, and comes when it does."""
    size = 20_000_000

    async def story(site: Site, console: RawServer) -> None:
        wire = await site.connect()
        wire.send(site.request("GET", "/console/"))
        await wire.reader.readuntil(b"\r\n\r\n")
        await turns(300)
        (connection,) = site.server._connections
        assert connection._transport.get_write_buffer_size() < 2_000_000  # type: ignore[attr-defined]  # looks inside
        assert len(await wire.reader.readexactly(size)) == size

    relay(story, (b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size, b"x" * size))
