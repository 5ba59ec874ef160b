"""Server: workers' connections to the engine process.

A call is *live* from its ask until its last tell, its cancel or the end of its connection; nothing is told of a call
that is not live. A worker that sends what is no frame, or that leaves too much unread, loses its connection, and with
it all its calls.
"""

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import msgspec

from setaria.adapters.upstreams.local.engine.call import Call, failed_from_error
from setaria.adapters.upstreams.local.engine.engine import Engine
from setaria.adapters.upstreams.local.engine.memory import cpu_s, resident_bytes
from setaria.adapters.upstreams.local.frames import (
    Ask,
    Cancel,
    Count,
    Counted,
    Done,
    Failed,
    FrameReader,
    Generate,
    Observe,
    Observed,
    Piece,
    Ping,
    Pong,
    Started,
    Tell,
    encode_frame,
)
from setaria.core.errors import UpstreamBusy, UpstreamFailed

LIMIT_CALLS = 128
"""Calls that may be live at once, those in rows and those that wait."""

_LIMIT_UNREAD_BYTES = 16 * 1024 * 1024
_RETRY_AFTER_S = 1


class Server:
    """All connections of one engine process."""

    def __init__(self, engines: Mapping[str, Engine], limit_calls: int = LIMIT_CALLS) -> None:
        self.engines = engines
        self.limit_calls = limit_calls
        self.live_calls = 0
        self.refused_calls = 0

    async def listen(self, listening_socket: socket.socket) -> asyncio.Server:
        """Take connections from a socket that listens already."""
        return await asyncio.get_running_loop().create_unix_server(lambda: Connection(self), sock=listening_socket)

    def observe(self, ask_id: str) -> Observed:
        """Tell how busy all of it is."""
        return Observed(
            ask_id,
            models=tuple(
                figures for name, engine in self.engines.items() if (figures := engine.figures(name)) is not None
            ),
            live_calls=self.live_calls,
            refused_calls=self.refused_calls,
            memory_bytes=resident_bytes(),
            cpu_s=cpu_s(),
        )


class Connection(asyncio.Protocol):
    """One worker's connection; an `Outlet` for its calls."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(Ask)
        self._calls: dict[str, Call] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Cancel all that this worker asked for."""
        for call_id in list(self._calls):
            self._end(call_id)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take bytes and do what their frames ask."""
        try:
            asks = [self._decoder.decode(payload) for payload in self._frames.feed(data)]
        except (ValueError, msgspec.DecodeError):
            self._abort()
            return
        for ask in asks:
            self._take(ask)

    def deliver(self, tells: list[Tell]) -> None:
        """Take what is to be told, from any thread; all of it goes out in one frame."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(self._write, tells)

    def _take(self, ask: Ask) -> None:
        if isinstance(ask, Cancel):
            self._end(ask.id)
            return
        if isinstance(ask, Observe):
            self._send([self._server.observe(ask.id)])
            return
        if ask.id in self._calls:  # ids are unique on a connection: this worker has lost count
            self._abort()
            return
        engine = self._server.engines.get(ask.model)
        if engine is None:
            error = UpstreamFailed("the built-in engine has no such model; its operator must mend it")
            self._send([failed_from_error(ask.id, error)])
        elif self._server.live_calls >= self._server.limit_calls and not isinstance(ask, Ping):
            self._server.refused_calls += 1
            busy = UpstreamBusy("the local engine has as many calls as it can hold", retry_after_s=_RETRY_AFTER_S)
            self._send([failed_from_error(ask.id, busy)])
        else:
            self._start(engine, ask)

    def _start(self, engine: Engine, ask: Generate | Count | Ping) -> None:
        call = self._calls[ask.id] = Call(ask.id, self)
        self._server.live_calls += 1
        match ask:
            case Generate(dialogue=dialogue):
                engine.generate(call, dialogue)
            case Count(dialogue=dialogue):
                engine.count(call, dialogue)
            case Ping():
                engine.ping(call)

    def _write(self, tells: list[Tell]) -> None:
        live = [tell for tell in tells if tell.id in self._calls]
        for tell in live:
            match tell:
                case Done() | Failed() | Counted() | Pong():
                    self._end(tell.id)
                case Started() | Piece() | Observed():
                    pass
        self._send(live)

    def _send(self, tells: list[Tell]) -> None:
        if self._transport is None or not tells:
            return
        self._transport.write(encode_frame(tells))
        if self._transport.get_write_buffer_size() > _LIMIT_UNREAD_BYTES:
            self._abort()

    def _end(self, call_id: str) -> None:
        """Let a call be live no more; the scheduler drops it before its next token."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            call.cancelled = True
            self._server.live_calls -= 1

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
