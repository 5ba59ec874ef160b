"""Pool: keep-alive connections to one server, the one used last taken first.

Theory. Requests beyond the cap of connections wait in line, each for a limited time. A connection that gets free, and
one that is closed, lets the next in line go. A request whose idle connection turns out to be dead before any byte of an
answer came is sent once more on a fresh one. Time is known from `tick` alone, so nothing here sets a timer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec

from setaria.adapters.upstreams.http.connection import HttpConnection, KnownAnswer
from setaria.adapters.upstreams.http.request import Header, PooledRequest, Request, Sink
from setaria.core.errors import UpstreamBusy, UpstreamError, UpstreamFailed
from setaria.core.outbox import Outbox

__all__ = ["Connect", "Header", "HttpPool", "PoolLimits", "PooledRequest", "Request", "Sink"]

Connect = Callable[[Callable[[], HttpConnection]], Awaitable[tuple[asyncio.BaseTransport, HttpConnection]]]


class PoolLimits(msgspec.Struct, frozen=True):
    """How many connections there may be (0: any number), how long a request waits for one, how long one stays idle."""

    max_connections: int = 0
    max_wait_s: float = 5.0
    max_idle_s: float = 60.0


_DEFAULT_LIMITS = PoolLimits()


class HttpPool:
    """A client of one server; `connect` opens a connection to it, as `loop.create_unix_connection` does."""

    def __init__(self, name: str, connect: Connect, limits: PoolLimits = _DEFAULT_LIMITS) -> None:
        self.name = name
        self._connect = connect
        self._limits = limits
        self.known: KnownAnswer | None = None
        self.may_learn = True
        self.outbox = Outbox()
        self._now_s = 0.0
        self._open: set[HttpConnection] = set()
        self._idle: list[HttpConnection] = []
        self._connecting: dict[Request, asyncio.Task[None]] = {}
        self._waiting: deque[tuple[float, Request]] = deque()

    @property
    def size(self) -> tuple[int, int, int]:
        """Tell how many connections are open or being made, how many of them are idle, and how many requests wait."""
        return len(self._open) + len(self._connecting), len(self._idle), len(self._waiting)

    def send(self, request: bytes, method: str, sink: Sink) -> PooledRequest:
        """Send a whole request; the answer and any error come to the sink, never from this function."""
        pooled = PooledRequest(self, request, method, sink)
        self.submit(pooled)
        return pooled

    def submit(self, pooled: Request) -> None:
        """Send a request, as `send` does."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                connection.start(pooled)
                return
        self._send_fresh(pooled)

    def tick(self, now_s: float) -> None:
        """Take the time: close what has been idle for too long, refuse what has waited for too long."""
        self._now_s = now_s
        self.may_learn = True  # servers that tell the time in their heads, or a number, have another one each time
        while self._idle and now_s - self._idle[0].idle_since_s > self._limits.max_idle_s:
            self._idle.pop(0).abort()
        while self._waiting and now_s - self._waiting[0][0] > self._limits.max_wait_s:
            _, pooled = self._waiting.popleft()
            pooled.failed(UpstreamBusy(f"{self.name} has all its places taken; try again shortly", retry_after_s=1))

    def close(self) -> None:
        """Close all idle connections, and each other one when its answer is whole."""
        self._limits = msgspec.structs.replace(self._limits, max_idle_s=-1)
        while self._idle:
            self._idle.pop().abort()

    # ---- Desk

    def withdraw(self, pooled: Request) -> None:
        """Forget a request that waits or whose connection is being made."""
        task = self._connecting.get(pooled)
        if task is not None:
            task.cancel()
        for entry in self._waiting:
            if entry[1] is pooled:
                self._waiting.remove(entry)
                break

    # ---- Home

    def keep(self, connection: HttpConnection) -> None:
        """Take back a connection that is idle again, or give it to the next in line."""
        if self._waiting:
            connection.start(self._waiting.popleft()[1])
        elif self._limits.max_idle_s < 0:
            connection.abort()
        else:
            connection.idle_since_s = self._now_s
            self._idle.append(connection)

    def forget(self, connection: HttpConnection) -> None:
        """Take note that a connection is closed."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._let_next_in()

    def again(self, pooled: Request) -> None:
        """Send a request once more, on a new connection."""
        pooled.phase = "waiting"
        pooled.connection = None
        self._send_fresh(pooled)

    # ---- inner steps

    def _send_fresh(self, pooled: Request) -> None:
        if self._is_full():
            self._waiting.append((self._now_s, pooled))
            return
        pooled.phase = "connecting"
        task = asyncio.get_running_loop().create_task(self._open_for(pooled))
        self._connecting[pooled] = task
        task.add_done_callback(lambda _: self._connected(pooled))

    def _connected(self, pooled: Request) -> None:
        del self._connecting[pooled]
        self._let_next_in()

    def _is_full(self) -> bool:
        limit = self._limits.max_connections
        return limit > 0 and len(self._open) + len(self._connecting) >= limit

    def _let_next_in(self) -> None:
        while self._waiting and not self._is_full():
            self._send_fresh(self._waiting.popleft()[1])

    async def _open_for(self, pooled: Request) -> None:
        try:
            _, connection = await self._connect(lambda: HttpConnection(self))
        except UpstreamError as error:
            pooled.failed(error)
            return
        except OSError as error:
            pooled.failed(UpstreamFailed(f"{self.name} can't be reached: {error.strerror or 'no answer'}"))
            return
        if connection.is_open:
            self._open.add(connection)
        if pooled.cancelled:
            connection.abort()
        else:
            connection.start(pooled, fresh=True)
