"""Raw server: an HTTP server on a Unix socket that answers with the bytes that a test wrote down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from setaria.adapters.upstreams.http.pool import Connect

CLOSE = b"close the connection"
WAIT = b"wait until the test goes on"
SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class RawServer:
    """Answers the requests of all connections by the script, one entry a request, the last one for all that follow.

    An entry is what is sent, in pieces: bytes, `CLOSE` or `WAIT`. `requests` are what came, with the number of the
    connection that it came on.
    """

    def __init__(self, *script: tuple[bytes, ...]) -> None:
        self.script = list(script)
        self.requests: list[tuple[int, bytes]] = []
        self.connections = 0
        self.left = 0
        self.go_on = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        number = self.connections
        self._writers.append(writer)
        try:
            while True:
                self.requests.append((number, await read_request(reader)))
                await self._answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left += 1
        finally:
            writer.close()

    def hang_up(self) -> None:
        """Close all connections."""
        for writer in self._writers:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        for piece in self.script.pop(0) if len(self.script) > 1 else self.script[0]:
            if piece == CLOSE:
                raise ConnectionError
            if piece == WAIT:
                await self.go_on.wait()
            else:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read a request whose body, if it has one, is sized."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(size)


def connect_to(path: Path) -> Connect:
    """Make the function that opens a connection to the server at this path."""
    return lambda factory: asyncio.get_running_loop().create_unix_connection(factory, str(path))


@asynccontextmanager
async def raw_server(path: Path, *script: tuple[bytes, ...]) -> AsyncIterator[RawServer]:
    """Run a server at this path."""
    server = RawServer(*script)
    listener = await asyncio.start_unix_server(server.serve, str(path))
    try:
        yield server
    finally:
        listener.close()
        server.go_on.set()
        server.hang_up()
