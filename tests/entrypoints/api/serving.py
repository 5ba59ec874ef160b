"""Serving: a server on a loopback port with everything behind it, and a client that speaks HTTP byte by byte."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

import msgspec
import uvloop

from setaria.adapters.upstreams.http.pool import HttpPool
from setaria.entrypoints.api.dispatch import Dispatcher
from setaria.entrypoints.api.edge import PLAIN_EDGE, Edge
from setaria.entrypoints.api.metrics import MetricsPage, MetricsSource
from setaria.entrypoints.api.pages import Pages
from setaria.entrypoints.api.readiness import Readiness
from setaria.entrypoints.api.relay import ConsoleRelay
from setaria.entrypoints.api.reports import ReportPages
from setaria.entrypoints.api.server import Limits, Server
from tests.fakes.platform import CODECS, Stage, make_stage
from tests.fakes.reports import FakeReports
from tests.fakes.scripted_upstream import ScriptedUpstream
from tests.fakes.waiting import until

LIMITS = Limits(header_limit_bytes=16 * 1024, body_limit_bytes=1024 * 1024, max_connections=100)
PATIENCE_S = 5.0
CHAT = "/v1/chat/completions"
MESSAGES = "/anthropic/v1/messages"
GOOD = msgspec.json.encode(
    {"model": "seedling", "max_tokens": 50, "messages": [{"role": "user", "content": "What is Setaria?"}]}
)
STREAM = GOOD[:-1] + b',"stream":true}'


class Answer(msgspec.Struct, frozen=True):
    """One HTTP answer, its framing taken off; `is_whole` is false when the connection ended before it did."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool = True

    @property
    def error(self) -> dict[str, str]:
        """Give the error in the body, in either protocol's form."""
        error: dict[str, str] = msgspec.json.decode(self.body)["error"]
        return error


class Wire:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def answer(self, method: str = "POST") -> Answer:
        """Read the next answer that is no interim one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                status = int(head[0].split()[1])
                if status >= 200:
                    break
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
            assert len(headers) == len(head) - 3, f"a header was sent twice: {head}"
            if method == "HEAD" or status in (204, 304):
                return Answer(status, headers, b"")
            try:
                return Answer(status, headers, await self._body(headers))
            except asyncio.IncompleteReadError as cut:
                return Answer(status, headers, cut.partial, is_whole=False)

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        if "transfer-encoding" not in headers:
            return await self.reader.read()
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            body += (await self.reader.readexactly(size + 2))[:-2]
            if not size:
                return body

    async def is_closed(self) -> bool:
        """Wait until the server has closed; tells whether it sent nothing more before."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read() == b""

    def close(self) -> None:
        """Close, as a program does that ends."""
        self.writer.close()


class Site:
    """A server and what is behind it; `faults` is what went wrong in the event loop."""

    def __init__(
        self, stage: Stage, limits: Limits, console: HttpPool, metrics: MetricsSource | None, edge: Edge
    ) -> None:
        self.stage = stage
        self.faults: list[str] = []
        self.wires: list[Wire] = []
        self.needs_engine = True
        self.readiness = Readiness(stage.ledger, stage.upstream, lambda: self.needs_engine, stage.clock, stage.log)
        self.reports = FakeReports()
        pages = Pages(
            self.readiness,
            ConsoleRelay(console, edge.proxies),
            MetricsPage(metrics),
            ReportPages(stage.platform, self.reports),
        )
        dispatcher = Dispatcher(stage.platform, CODECS, pages, edge)
        self.server = Server(limits, stage.clock, dispatcher.handle, dispatcher.refuse)
        self.port = 0

    async def open(self) -> None:
        """Begin to listen."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        await self.server.listen(listening)

    async def connect(self) -> Wire:
        """Open a connection, to be closed at the end of the visit at the latest."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self.wires.append(wire)
        return wire

    async def ask(self, request: bytes, method: str = "POST") -> Answer:
        """Send a request on a connection of its own and read the answer."""
        wire = await self.connect()
        wire.send(request)
        return await wire.answer(method)

    def request(self, method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
        """Write a request that comes with the good key, unless a header says otherwise."""
        fields = {"host": "localhost", "authorization": f"Bearer {self.stage.key}"} | headers
        if body:
            fields = {"content_length": str(len(body))} | fields
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value)
        return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


async def no_console(_factory: object) -> NoReturn:
    """Stand for a console process that is not there."""
    raise FileNotFoundError(2, "No such file or directory")


def visit(
    story: Callable[[Site], Awaitable[None]],
    upstream: ScriptedUpstream | None = None,
    limits: Limits = LIMITS,
    console: HttpPool | None = None,
    metrics: MetricsSource | None = None,
    edge: Edge = PLAIN_EDGE,
) -> Site:
    """Play a story on a site of its own; nothing may go wrong in the loop, no task and no connection may stay."""

    async def whole() -> Site:
        site = Site(make_stage(upstream), limits, console or HttpPool("the console", no_console), metrics, edge)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: site.faults.append(repr(context)))
        await site.open()
        await site.stage.platform.desk.clerk.enter()
        try:
            await story(site)
        finally:  # an open connection would keep uvloop from closing
            for wire in site.wires:
                wire.close()
            site.stage.ledger.open()
            await site.server.stop(0.0)
        await until(lambda: not site.server._connections)
        assert (site.faults, site.server._held_bytes, len(site.server._tasks)) == ([], 0, 0)
        return site

    return uvloop.run(whole())
