"""Pool: keep-alive connections to one server, the one used last taken first.

A connection is connecting, busy with one request, idle in the pool, or closed. A request whose idle connection turns
out to be dead before any byte of an answer came is sent once more on a fresh one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

import httptools

from setaria.core.errors import UpstreamCut, UpstreamError, UpstreamFailed

Header = tuple[bytes, bytes]

FINAL_STATUS = 200
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class Sink(Protocol):
    """Takes an answer while it comes in."""

    def head(self, status: int, headers: list[Header]) -> None:
        """Take status and headers."""
        ...

    def body(self, data: bytes) -> None:
        """Take more of the body, its framing removed."""
        ...

    def end(self) -> None:
        """Take the news that the answer is whole."""
        ...

    def fail(self, error: UpstreamError) -> None:
        """Take the news that it never will be."""
        ...


Connect = Callable[[Callable[[], asyncio.Protocol]], Awaitable[tuple[asyncio.BaseTransport, asyncio.Protocol]]]


class HttpPool:
    """A client of one server; `connect` opens a connection to it, as `loop.create_unix_connection` does."""

    def __init__(self, name: str, connect: Connect) -> None:
        self.name = name
        self._connect = connect
        self._idle: list[PooledConnection] = []
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, request: bytes, method: str, sink: Sink) -> "PooledRequest":
        """Send a whole request; the answer and any error come to the sink."""
        pooled = PooledRequest(self, request, method, sink)
        while self._idle:
            connection = self._idle.pop()
            if connection.alive:
                connection.start(pooled)
                return pooled
        self.send_fresh(pooled)
        return pooled

    def send_fresh(self, pooled: "PooledRequest") -> None:
        """Send a request on a new connection."""
        task = asyncio.get_running_loop().create_task(self._open(pooled))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def keep(self, connection: "PooledConnection") -> None:
        """Take back a connection whose answer is whole."""
        self._idle.append(connection)

    def drop(self, connection: "PooledConnection") -> None:
        """Forget an idle connection that was closed."""
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().abort()

    async def _open(self, pooled: "PooledRequest") -> None:
        try:
            _, protocol = await self._connect(lambda: PooledConnection(self))
        except OSError as error:
            pooled.failed(UpstreamFailed(f"{self.name} can't be reached: {error.strerror or 'no answer'}"))
            return
        connection = cast("PooledConnection", protocol)  # what the factory above makes
        if pooled.cancelled:
            connection.abort()
        else:
            connection.start(pooled, fresh=True)


class PooledRequest:
    """One request and its answer."""

    def __init__(self, pool: HttpPool, request: bytes, method: str, sink: Sink) -> None:
        self.request = request
        self.method = method
        self.sink = sink
        self.cancelled = False
        self.connection: PooledConnection | None = None
        self._pool = pool

    def cancel(self) -> None:
        """Close the connection; the sink hears no more."""
        self.cancelled = True
        if self.connection is not None:
            self.connection.abort()

    def pause(self) -> None:
        """Stop reading."""
        if self.connection is not None:
            self.connection.pause()

    def resume(self) -> None:
        """Read again."""
        if self.connection is not None:
            self.connection.resume()

    def failed(self, error: UpstreamError) -> None:
        """Tell the sink, unless nobody listens any more."""
        if not self.cancelled:
            self.sink.fail(error)

    def retry(self) -> None:
        """Send the same request again on a new connection."""
        self.connection = None
        if not self.cancelled:
            self._pool.send_fresh(self)


class PooledConnection(asyncio.Protocol):
    """One connection of the pool."""

    def __init__(self, pool: HttpPool) -> None:
        self.alive = False
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._pooled: PooledRequest | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: list[Header] = []
        self._reused = False
        self._answered = False
        self._until_closed = False
        self._whole = False

    def start(self, pooled: PooledRequest, *, fresh: bool = False) -> None:
        """Send a request on this connection, which is idle or fresh."""
        if self._transport is None:
            pooled.failed(UpstreamFailed(f"{self._pool.name} closed the connection at once"))
            return
        pooled.connection = self
        self._pooled = pooled
        self._reused = not fresh
        self._answered = self._until_closed = self._whole = False
        self._headers = []
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(pooled.request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's own signature is wider
        self.alive = True

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._parser is None or self._pooled is None:
            self.abort()
            return
        self._answered = True
        may_stay = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            may_stay = False
        if self._whole:
            self._finish(may_stay=may_stay and self._parser.should_keep_alive())
        elif not may_stay:
            self._fail(UpstreamCut(f"{self._pool.name} gave an answer that is not HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.alive = False
        self._transport = None
        pooled, self._pooled = self._pooled, None
        if pooled is None:
            self._pool.drop(self)
        elif self._reused and not self._answered:
            pooled.retry()
        elif self._until_closed and exc is None:
            if not pooled.cancelled:
                pooled.sink.end()
        else:
            pooled.failed(UpstreamCut(f"{self._pool.name} closed the connection in the middle of its answer"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Tell the sink status and headers; those of an interim answer are passed over."""
        pooled = self._pooled
        if pooled is None or self._parser is None or self._whole:
            return
        status = self._parser.get_status_code()
        if status < FINAL_STATUS:
            self._headers = []
            return
        self._until_closed = not any(name.lower() in _LENGTHS for name, _ in self._headers)
        if not pooled.cancelled:
            pooled.sink.head(status, self._headers)
        if pooled.method == "HEAD":  # the parser does not know what was asked and would wait for a body
            self._whole = True

    def on_body(self, data: bytes) -> None:
        """Tell the sink more of the body."""
        if self._pooled is not None and not self._pooled.cancelled and not self._whole:
            self._pooled.sink.body(data)

    def on_message_complete(self) -> None:
        """Take note that the answer is whole."""
        if self._parser is not None and self._parser.get_status_code() >= FINAL_STATUS:
            self._whole = True

    def pause(self) -> None:
        """Stop reading."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once."""
        self.alive = False
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, *, may_stay: bool) -> None:
        """Go back to the pool if the server allows it, and tell the sink that the answer is whole."""
        pooled, self._pooled, self._parser = self._pooled, None, None
        if pooled is None:
            return
        pooled.connection = None
        if may_stay and self.alive:
            self.resume()
            self._pool.keep(self)
        else:
            self.abort()
        if not pooled.cancelled:
            pooled.sink.end()

    def _fail(self, error: UpstreamError) -> None:
        pooled, self._pooled = self._pooled, None
        self.abort()
        if pooled is not None:
            pooled.failed(error)
