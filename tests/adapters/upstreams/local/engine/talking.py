"""Talking: a worker's side of the engine's socket, for tests."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from setaria.adapters.upstreams.local.engine.engine import Engine
from setaria.adapters.upstreams.local.engine.server import LIMIT_CALLS, Server
from setaria.adapters.upstreams.local.frames import Ask, Done, Failed, FrameReader, Piece, Tell, encode_frame


class Worker:
    """One connection to an engine process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.tells: list[Tell] = []
        self._frames = FrameReader()

    @classmethod
    async def connect(cls, path: Path) -> "Worker":
        """Connect to the socket at this path."""
        return cls(*await asyncio.open_unix_connection(str(path)))

    def ask(self, *asks: Ask) -> None:
        """Send asks, a frame each."""
        for one in asks:
            self.writer.write(encode_frame(one))

    async def hear(self) -> list[Tell]:
        """Wait for the next bytes and give what they tell; nothing at the end of the connection."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            data = await self.reader.read(65_536)
        heard = [
            tell for payload in self._frames.feed(data) for tell in msgspec.msgpack.decode(payload, type=list[Tell])
        ]
        self.tells += heard
        return heard

    async def hear_ends(self, count: int) -> dict[str, Done | Failed]:
        """Wait until so many calls have ended."""
        while len(ends := {one.id: one for one in self.tells if isinstance(one, Done | Failed)}) < count:
            assert await self.hear(), "the connection ended too soon"
        return ends

    def text(self, call_id: str) -> str:
        """Give a call's text so far."""
        return "".join(tell.text for tell in self.tells if isinstance(tell, Piece) and tell.id == call_id)

    def close(self) -> None:
        """End the connection."""
        self.writer.close()


def listening_socket(path: Path) -> socket.socket:
    """Listen on a Unix socket at this path."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(16)
    return listening


@contextlib.asynccontextmanager
async def serving(folder: Path, models: Mapping[str, Path], limit_calls: int = LIMIT_CALLS) -> AsyncIterator[Server]:
    """Serve models on a socket named `engine` in this folder, within this process."""
    crashes: list[BaseException] = []
    engines = {name: Engine(path, crashes.append) for name, path in models.items()}
    server = Server(engines, limit_calls)
    listener = await server.listen(listening_socket(folder / "engine"))
    try:
        yield server
    finally:
        listener.close()
        for engine in engines.values():
            engine.close()
    assert crashes == []
