"""Fake engine: a real Unix socket that speaks frames and tells what the test says; and a sink that remembers."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from setaria.adapters.upstreams.local.frames import Ask, FrameReader, Tell, encode_frame
from setaria.adapters.upstreams.local.upstream import LocalUpstream
from setaria.core.dialogue import Dialogue, Message, Sampling, Text, Tool, ToolChoice
from setaria.core.events import Event, Saying
from setaria.core.ids import CallId
from setaria.domain.routing.ports import Failure, ModelRequest
from setaria.wire.mould import Mould
from setaria.wire.shortcut import Shortcut

A = TypeVar("A")
ENDING_S = 10.0
AUTO = ToolChoice()
WEATHER = Tool("get_weather", parameters=b'{"type":"object","properties":{"city":{"type":"string"}}}')


class FakeEngine(asyncio.Protocol):
    """Takes asks from its one connection and tells what it is told to."""

    def __init__(self) -> None:
        self.connections = 0
        self.hangs_up = False
        self._asks: asyncio.Queue[Ask] = asyncio.Queue()
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.connections += 1
        self._frames = FrameReader()
        self._transport = transport
        if self.hangs_up:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        decode = msgspec.msgpack.Decoder(Ask).decode
        for payload in self._frames.feed(data):
            self._asks.put_nowait(decode(payload))

    async def next_ask(self, kind: type[A]) -> A:
        """Wait for the next ask, which must be of this kind."""
        async with asyncio.timeout(ENDING_S):
            ask = await self._asks.get()
        assert isinstance(ask, kind)
        return ask

    def tell(self, *tells: Tell) -> None:
        """Tell all of it in one frame."""
        self.send(encode_frame(list(tells)))

    def send(self, data: bytes) -> None:
        """Send bytes, frames or not."""
        assert self._transport is not None
        self._transport.write(data)

    def crash(self) -> None:
        """Break the connection off, as a process that is killed does."""
        assert self._transport is not None
        self._transport.abort()


class RecordingSink:
    """Remembers what it was given. `on_receive` is called in `receive`."""

    def __init__(self, on_receive: Callable[[], None] = lambda: None) -> None:
        self.shortcut = Shortcut()
        self.batches: list[list[Event]] = []
        self.errors: list[Failure] = []
        self._on_receive = on_receive
        self._changed = asyncio.Event()

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        return [event for batch in self.batches for event in batch]

    def receive(self, events: Sequence[Event]) -> None:
        self.batches.append(list(events))
        self._changed.set()
        self._on_receive()

    def follow(self, mould: Mould, like: Saying) -> None: ...

    def fail(self, error: Failure) -> None:
        self.errors.append(error)
        self._changed.set()

    async def change(self) -> None:
        """Wait until it is given something."""
        async with asyncio.timeout(ENDING_S):
            await self._changed.wait()
        self._changed.clear()


def request(text: str = "hi", tools: tuple[Tool, ...] = (), choice: ToolChoice = AUTO) -> ModelRequest:
    """Make a request."""
    dialogue = Dialogue(
        messages=(Message("user", (Text(text),)),),
        thinking=True,
        max_output_tokens=100,
        sampling=Sampling(temperature=1.0, top_p=0.95),
        tools=tools,
        tool_choice=choice,
    )
    return ModelRequest(CallId("0" * 32), "seedling", dialogue)


@contextlib.asynccontextmanager
async def engine_and_upstream(answer_within_s: float = ENDING_S) -> AsyncIterator[tuple[FakeEngine, LocalUpstream]]:
    """Run a fake engine and an upstream that is not connected yet; both are closed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="se-"))
    engine = FakeEngine()
    server = await asyncio.get_running_loop().create_unix_server(lambda: engine, str(folder / "s"))
    upstream = LocalUpstream(folder / "s", answer_within_s=answer_within_s)
    try:
        yield engine, upstream
    finally:
        await upstream.close()
        server.close()
        await server.wait_closed()
        shutil.rmtree(folder)


def run(story: Callable[[FakeEngine, LocalUpstream], Coroutine[None, None, None]]) -> None:
    """Run a test's story on a loop of its own."""

    async def whole() -> None:
        async with engine_and_upstream() as (engine, upstream):
            await story(engine, upstream)

    asyncio.run(whole())
