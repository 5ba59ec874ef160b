"""Proxy server: a small HTTP proxy that remembers what it was asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ProxyServer:
    """Opens a line for CONNECT and passes other requests on; `seen` are the heads that came."""

    def __init__(self, answer: bytes) -> None:
        self.port = 0
        self.seen: list[bytes] = []
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.seen.append(head)
        method, target, _ = head.split(b" ", 2)
        if self._answer:
            writer.write(self._answer)
            writer.close()
            return
        authority = target if method == b"CONNECT" else target.split(b"/")[2]
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", int(authority.rpartition(b":")[2]))
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = b"/" + target.split(b"/", 3)[3]
            there_writer.write(head.replace(target, path, 1))
        await asyncio.gather(_pass(reader, there_writer), _pass(there_reader, writer))


@asynccontextmanager
async def run_proxy(answer: bytes = b"") -> AsyncIterator[ProxyServer]:
    """Run a proxy while the block lasts; with an answer it says that to everybody and hangs up."""
    proxy = ProxyServer(answer)
    lines: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        lines.add(task)
        try:
            await proxy.serve(reader, writer)
        finally:
            lines.discard(task)
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await asyncio.wait_for(asyncio.gather(*lines, return_exceptions=True), 5)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()
