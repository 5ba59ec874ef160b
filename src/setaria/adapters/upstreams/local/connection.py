"""Connection: one worker's connection to the engine process."""

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec

from setaria.adapters.upstreams.local.frames import FrameReader, Tell


class EngineConnection(asyncio.Protocol):
    """Reads the engine's frames.

    Takes: told, called with all that came in one piece; lost, called once, with this connection, when it ended.
    """

    def __init__(self, told: Callable[[list[Tell]], None], lost: Callable[["EngineConnection"], None]) -> None:
        self._told = told
        self._lost = lost
        self._frames = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(list[Tell])
        self._transport: asyncio.Transport | None = None
        self._ended = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the engine can be reached by it."""
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of it

    def data_received(self, data: bytes) -> None:
        """Take bytes; what is no frame ends the connection, for nothing after it can be trusted."""
        tells: list[Tell] = []
        try:
            for payload in self._frames.feed(data):
                tells += self._decoder.decode(payload)
        except (ValueError, msgspec.DecodeError):
            if self._transport is not None:
                self._transport.abort()
        self._told(tells)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Tell that the connection ended, whoever ended it."""
        self._transport = None
        self._ended.set()
        self._lost(self)

    def send(self, frame: bytes) -> None:
        """Send a frame; one sent after the end is dropped."""
        if self._transport is not None:
            self._transport.write(frame)

    async def close(self) -> None:
        """Send what is still to be sent and end the connection."""
        if self._transport is not None:
            self._transport.close()
            await self._ended.wait()
