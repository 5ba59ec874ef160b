"""Server: takes connections, plays the scenario that each request asks for, and counts what it sees."""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httptools
import msgspec

from tests.fault_server.play import Play, SeenRequest
from tests.fault_server.scenario import Scenario, read_scenario

EARLY_LEAD_S = 0.05
MOST_REQUESTS = 1000
_PLAIN = Scenario()


class FaultServer:
    """A running server. `counts`: connections, open, requests, finished, cancelled (the client left before the end)."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.requests: deque[SeenRequest] = deque(maxlen=MOST_REQUESTS)  # the newest
        self.played: Counter[str] = Counter()
        self.port = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        """Where it listens: the base URL of the Anthropic protocol, and with `/v1` of the OpenAI one."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def scenario_of(self, request: SeenRequest, model: str) -> Scenario:
        """Choose what becomes of a request."""
        text, scenario = read_scenario(model, request.key)
        self.played[text] += 1
        if (scenario.times and self.played[text] > scenario.times) or self.played[text] % scenario.every:
            return Scenario(content=scenario.content)
        return scenario


@asynccontextmanager
async def serve_faults(port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultServer]:
    """Run a fault server on this machine while the block lasts."""
    server = FaultServer()
    connections: set[FaultConnection] = set()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: FaultConnection(server, connections), "127.0.0.1", port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    server.scheme = "https" if tls else "http"
    try:
        yield server
    finally:
        listener.close()
        tasks = [task for connection in connections if (task := connection.hang_up()) is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


class FaultConnection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, server: FaultServer, connections: "set[FaultConnection]") -> None:
        self._server = server
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._served = 0
        self._is_early = False
        self._path = ""
        self._headers: dict[str, str] = {}
        self._body = b""

    def hang_up(self) -> asyncio.Task[None] | None:
        """Close the connection; gives what still plays on it."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()
        return self._task

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # asyncio's own signature is wider
        self._connections.add(self)
        self._server.counts.update(connections=1, open=1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._server.counts["open"] -= 1
        if self._task is not None and not self._task.done():
            self._server.counts["cancelled"] += 1
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # ---- llhttp's side

    def on_message_begin(self) -> None:
        self._path, self._headers, self._body = "", {}, b""

    def on_url(self, url: bytes) -> None:
        self._path += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self._is_early = "early" in self._seen().key.split(":")
        if self._is_early:  # the only fault that can't be told by the model's name
            self._transport.pause_reading()
            self._start(self._seen(), Scenario(status=413))

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        if self._is_early:
            return
        request = self._seen()
        self._server.requests.append(request)
        self._server.counts["requests"] += 1
        if request.path.endswith("/faults/counts"):
            self._play().send_json(200, dict(self._server.counts))
        elif self._task is None or self._task.done():
            self._answer(request)

    def _seen(self) -> SeenRequest:
        method = self._parser.get_method().decode()
        return SeenRequest(method, self._path, dict(self._headers), self._body)

    def _play(self, scenario: Scenario = _PLAIN) -> Play:
        return Play(self._transport, self._writable, scenario)

    def _answer(self, request: SeenRequest) -> None:
        try:
            scenario = self._server.scenario_of(request, request.model)
        except msgspec.ValidationError as error:
            self._play().send_json(400, {"error": {"message": f"no such scenario: {error}"}})
            return
        if scenario.dead and self._served:
            self._transport.abort()
        elif request.path.endswith("/models") and scenario.status == 200 and not scenario.silent:
            self._play().send_json(200, {"object": "list", "data": [{"id": "text", "object": "model"}]})
        else:
            self._start(request, scenario)

    def _start(self, request: SeenRequest, scenario: Scenario) -> None:
        self._served += 1
        self._task = asyncio.get_running_loop().create_task(self._run(request, scenario))

    async def _run(self, request: SeenRequest, scenario: Scenario) -> None:
        await self._play(scenario).run(request)
        self._server.counts["finished"] += 1
        if self._is_early:
            await asyncio.sleep(EARLY_LEAD_S)
            self._transport.resume_reading()
