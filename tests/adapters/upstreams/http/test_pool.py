"""Pool: requests over kept connections, and every way that an answer can come or fail to come."""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from setaria.adapters.upstreams.http.pool import Header, HttpPool, PooledRequest
from setaria.core.errors import UpstreamCut, UpstreamError, UpstreamFailed
from tests.fakes.raw_server import CLOSE, SIZED, WAIT, RawServer, connect_to, raw_server
from tests.fakes.waiting import turns, until

REQUEST = b"GET /%d HTTP/1.1\r\nhost: a\r\n\r\n"


class Listener:
    """Implements the pool's port Sink."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.content = b""
        self.ends = 0
        self.error: UpstreamError | None = None

    def head(self, status: int, headers: list[Header]) -> None:
        assert not self.status
        self.status, self.headers = status, headers

    def body(self, data: bytes) -> None:
        assert self.status
        self.content += data

    def end(self) -> None:
        self.ends += 1

    def fail(self, error: UpstreamError) -> None:
        assert self.error is None
        self.error = error

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come."""
        return bool(self.ends or self.error)


class Drowsy(Listener):
    """A listener that asks for a pause whenever it is told something."""

    def __init__(self) -> None:
        super().__init__()
        self.request: PooledRequest | None = None

    def body(self, data: bytes) -> None:
        super().body(data)
        assert self.request is not None
        self.request.pause()


def play(story: Callable[[RawServer, HttpPool], Awaitable[None]], *script: tuple[bytes, ...]) -> None:
    """Play a story between a pool and a server with this script."""

    async def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "door"
            async with raw_server(path, *script) as server:
                pool = HttpPool("the server", connect_to(path))
                await story(server, pool)
                pool.close()
                await turns()

    uvloop.run(whole())


async def ask(pool: HttpPool, number: int = 0, method: str = "GET") -> Listener:
    """Send a request and wait until its answer is over."""
    listener = Listener()
    pool.send((REQUEST % number).replace(b"GET", method.encode()), method, listener)
    await until(lambda: listener.is_over)
    await turns()
    return listener


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE: list[tuple[tuple[bytes, ...], int, bytes, bool]] = [
    ((SIZED,), 200, b"hello", True),
    (tuple(SIZED[at : at + 1] for at in range(len(SIZED))), 200, b"hello", True),
    ((CHUNKED, b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n", b"x-t: 1\r\n\r\n"), 200, b"hello", True),
    ((b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", CLOSE), 200, b"hello", False),
    ((b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", CLOSE), 200, b"hello", False),
    ((b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", CLOSE), 200, b"hello", False),
    ((b"HTTP/1.1 204 No Content\r\n\r\n",), 204, b"", True),
    ((b"HTTP/1.1 304 Not Modified\r\netag: 1\r\n\r\n",), 304, b"", True),
    ((b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",), 500, b"", True),
    ((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + SIZED), 200, b"hello", True),
    ((SIZED + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",), 200, b"hello", False),
    ((SIZED + b"garbage",), 200, b"hello", False),
]


@pytest.mark.parametrize("answer, status, content, kept", WHOLE)
def test_a_whole_answer(answer: tuple[bytes, ...], status: int, content: bytes, kept: bool) -> None:
    """A whole answer is told as such, however it is framed; its connection is kept when that is beyond doubt."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        for number in range(2):
            listener = await ask(pool, number)
            assert (listener.status, listener.content, listener.ends, listener.error) == (status, content, 1, None)
            assert not any(name == b"link" for name, _ in listener.headers)
        assert [connection for connection, _ in server.requests] == ([1, 1] if kept else [1, 2])

    play(story, answer)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", CHUNKED, b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"]
)
def test_a_head(head: bytes) -> None:
    """The answer to HEAD has no body, whatever its headers announce."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        for number in range(2):
            listener = await ask(pool, number, "HEAD")
            assert (listener.status, listener.content, listener.ends) == (int(head[9:12]), b"", 1)
        assert (await ask(pool)).content == b"hello"

    play(story, (head,), (head,), (SIZED,))


BROKEN: list[tuple[tuple[bytes, ...], type[UpstreamError], bytes]] = [
    ((b"SSH-2.0\r\n",), UpstreamError, b""),
    ((b"\x00\x01\x02",), UpstreamError, b""),
    ((CHUNKED, b"2\r\nhe\r\nzzz\r\n"), UpstreamCut, b"he"),
    ((CHUNKED, b"2\r\nhe\r\n", CLOSE), UpstreamCut, b"he"),
    ((b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", CLOSE), UpstreamCut, b"he"),
    ((b"HTTP/1.1 200 OK\r\ncontent-le", CLOSE), UpstreamError, b""),
    ((b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",), UpstreamError, b""),
]


@pytest.mark.parametrize("answer, kind, content", BROKEN)
def test_a_broken_answer(answer: tuple[bytes, ...], kind: type[UpstreamError], content: bytes) -> None:
    """An answer that breaks off or is no HTTP is told as a failure, once, and the next request does not suffer."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        listener = await ask(pool)
        assert isinstance(listener.error, kind)
        assert (listener.content, listener.ends) == (content, 0)
        assert listener.error.message.startswith("the server ")
        assert (await ask(pool)).content == b"hello"
        assert server.connections == 2

    play(story, answer, (SIZED,))


def test_the_newest_connection_is_taken_first() -> None:
    """Of several idle connections the one used last is taken, so that others grow old and can be closed."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        listeners = [Listener() for _ in range(3)]
        for number, listener in enumerate(listeners):
            pool.send(REQUEST % number, "GET", listener)
        await until(lambda: len(server.requests) == 3)
        server.go_on.set()
        await until(lambda: all(listener.is_over for listener in listeners))
        last, _ = server.requests[-1]
        for number in range(3, 6):
            await ask(pool, number)
        assert [connection for connection, _ in server.requests[3:]] == [last] * 3
        assert server.connections == 3

    play(story, (WAIT, SIZED))


def test_a_connection_that_died_while_it_was_idle() -> None:
    """An idle connection that the server closes is noticed, and the next request takes a new one."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        await ask(pool)
        server.hang_up()
        await turns()
        assert (await ask(pool)).content == b"hello"
        assert [connection for connection, _ in server.requests] == [1, 2]

    play(story, (SIZED,))


def test_a_connection_that_dies_with_the_next_request() -> None:
    """A request whose kept connection ends before a byte of an answer came is sent once more, on a new one."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        await ask(pool, 1)
        listener = await ask(pool, 2)
        assert (listener.content, listener.error) == (b"hello", None)
        assert [connection for connection, _ in server.requests] == [1, 1, 2]

    play(story, (SIZED,), (CLOSE,), (SIZED,))


def test_it_is_sent_once_more_only() -> None:
    """A server that closes without an answer again is told as a failure."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        await ask(pool, 1)
        listener = await ask(pool, 2)
        assert isinstance(listener.error, UpstreamError)
        assert len(server.requests) == 3
        assert isinstance((await ask(pool, 3)).error, UpstreamError)
        assert len(server.requests) == 4

    play(story, (SIZED,), (CLOSE,))


def test_words_that_nobody_asked_for() -> None:
    """A server that says something on an idle connection has lost it."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        await ask(pool)
        server.go_on.set()
        await turns()
        assert (await ask(pool)).content == b"hello"
        assert server.connections == 2

    play(story, (SIZED, WAIT, SIZED), (SIZED,))


@pytest.mark.parametrize("when", ["connecting", "sent", "answered"])
def test_a_request_that_is_cancelled(when: str) -> None:
    """A request that is not wanted any more closes its connection, and its sink hears no more."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        listener = Listener()
        request = pool.send(REQUEST % 0, "GET", listener)
        if when == "sent":
            await until(lambda: server.requests)
        if when == "answered":
            await until(lambda: listener.content)
        request.cancel()
        server.go_on.set()
        await turns(50)
        assert (listener.is_over, listener.content) == (False, b"he" if when == "answered" else b"")
        request.cancel()
        assert (await ask(pool)).content == b"hello"
        assert {connection for connection, _ in server.requests} <= {1, 2}

    scripts: dict[str, list[tuple[bytes, ...]]] = {
        "connecting": [(SIZED,)],
        "sent": [(WAIT, SIZED), (SIZED,)],
        "answered": [(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", WAIT, b"llo"), (SIZED,)],
    }
    play(story, *scripts[when])


def test_a_request_that_is_held_up() -> None:
    """A paused answer comes when it is resumed, and its connection can be used again even if it ended in the pause."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        listener = Listener()
        request = pool.send(REQUEST % 0, "GET", listener)
        await until(lambda: listener.content)
        request.pause()
        server.go_on.set()
        await turns(50)
        assert not listener.is_over
        request.resume()
        await until(lambda: listener.is_over)
        assert listener.content == b"hello"
        assert (await ask(pool)).content == b"hello"
        assert server.connections == 1

    play(story, (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", WAIT, b"llo"), (SIZED,))


def test_a_pause_in_the_last_words() -> None:
    """A sink that asks for a pause while it takes the end of its answer holds nobody else up."""

    async def story(server: RawServer, pool: HttpPool) -> None:
        listener = Drowsy()
        listener.request = pool.send(REQUEST % 0, "GET", listener)
        await until(lambda: listener.is_over)
        assert (await ask(pool)).content == b"hello"

    play(story, (SIZED,))


def test_a_server_that_is_not_there() -> None:
    """A server that can't be reached is told by its name."""

    async def story() -> None:
        listener = await ask(HttpPool("the server", connect_to(Path("/nowhere/door"))))
        assert isinstance(listener.error, UpstreamFailed)
        assert listener.error.message == "the server can't be reached: No such file or directory"

    uvloop.run(story())
