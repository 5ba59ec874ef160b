"""Server: all connections of one worker, its limits and its end."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine

import msgspec

from setaria.core.clock import Clock, http_date_from_ms
from setaria.core.errors import SetariaError
from setaria.core.ids import CallIds
from setaria.core.outbox import Outbox
from setaria.entrypoints.api.connection import Connection
from setaria.entrypoints.api.exchange import Exchange
from setaria.entrypoints.api.host import Guest
from setaria.entrypoints.api.known_request import KnownRequest
from setaria.wire.http_head import KnownHead

TICK_S = 1.0
BODY_MEMORY_BYTES = 512 * 1024 * 1024
STARVE_TIMEOUT_S = 5.0
LAST_WORDS_S = 5.0


class Limits(msgspec.Struct, frozen=True):
    """What one worker takes."""

    header_limit_bytes: int
    body_limit_bytes: int
    max_connections: int


class Server:
    """Implements `Host` for its connections.

    Order: `listen`; then `stop`, once.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        handle: Callable[[Exchange], Coroutine[object, object, None]],
        refuse: Callable[[Exchange, SetariaError], None],
    ) -> None:
        self.header_limit_bytes = limits.header_limit_bytes
        self.body_limit_bytes = limits.body_limit_bytes
        self.stopping = False
        self.now_s = clock.monotonic_s
        self.outbox = Outbox()
        self.date = http_date_from_ms(clock.now_ms())
        self._max_connections = limits.max_connections
        self._clock = clock
        self.new_call_id = CallIds(clock.now_ms).draw
        self._handle = handle
        self._refuse = refuse
        self._connections: set[Guest] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starving: list[Guest] = []
        self._held_bytes = 0
        self._listener: asyncio.Server | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()
        self.known_requests: dict[KnownHead, KnownRequest] = {}

    async def listen(self, listening_socket: socket.socket) -> None:
        """Accept connections from a socket that listens already."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), sock=listening_socket, backlog=8192)
        self._tick()

    async def stop(self, grace_s: float) -> None:
        """Accept no more, let answers end for `grace_s`, end the rest, and return when all are settled."""
        self.stopping = True
        self.outbox.flush()
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.stop()
        await self._wait_for_tasks(grace_s)
        for connection in list(self._connections):
            connection.shut_down()
        await self._wait_for_tasks(LAST_WORDS_S)
        await self._wait_for_farewells(LAST_WORDS_S)
        if self._ticking is not None:
            self._ticking.cancel()
        for connection in list(self._connections):
            connection.break_off()

    def hurry(self) -> None:
        """End what is under way now: the grace of a `stop` that has begun is over."""
        for connection in list(self._connections):
            connection.shut_down()

    def tick(self) -> None:
        """End what has taken too long; the server does it by itself once a second."""
        self.date = http_date_from_ms(self._clock.now_ms())
        now_s = self._clock.monotonic_s()
        for connection in list(self._connections):
            connection.tick(now_s)

    @property
    def open_connections(self) -> int:
        """Tell how many connections are open."""
        return len(self._connections)

    # ---- Host

    def welcome(self, connection: Guest) -> bool:
        """Take a connection in; False when there is no room for it."""
        self._connections.add(connection)
        return len(self._connections) <= self._max_connections

    def farewell(self, connection: Guest) -> None:
        """Let a connection go."""
        self._connections.discard(connection)
        if not self._connections:
            self._emptied.set()

    def handle(self, exchange: Exchange) -> None:
        """Begin to answer a request whose head is read."""
        task = asyncio.get_running_loop().create_task(self._handle(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refuse(self, exchange: Exchange, error: SetariaError) -> None:
        """Answer a request that can't be read."""
        self._refuse(exchange, error)

    def take_memory(self, connection: Guest, size_bytes: int) -> None:
        """Count body bytes that are held."""
        self._held_bytes += size_bytes
        if self._held_bytes > BODY_MEMORY_BYTES:
            connection.starve(STARVE_TIMEOUT_S)
            self._starving.append(connection)

    def free_memory(self, size_bytes: int) -> None:
        """Count body bytes that are no longer held."""
        self._held_bytes -= size_bytes
        if self._starving and self._held_bytes <= BODY_MEMORY_BYTES:
            starving, self._starving = self._starving, []
            for connection in starving:
                connection.feed()

    # ---- inner steps

    def _tick(self) -> None:
        self._ticking = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        self.tick()

    async def _wait_for_farewells(self, timeout_s: float) -> None:
        """Let what is written reach clients that read slowly."""
        self._emptied.clear()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), timeout_s)

    async def _wait_for_tasks(self, timeout_s: float) -> None:
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
