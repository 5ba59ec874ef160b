"""Asking: an HTTP upstream before a fault server, and sinks that keep what they are told."""

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
import uvloop

from setaria.adapters.upstreams.http.connect import Network
from setaria.adapters.upstreams.http.resolve import Resolver
from setaria.adapters.upstreams.http.upstream import HttpUpstream, UpstreamSpec
from setaria.core.answer import Answer, AnswerBuilder
from setaria.core.dialogue import Dialogue, Message, Sampling, Text, Tool
from setaria.core.entries import Timeouts
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event, Saying, UsageReport
from setaria.core.ids import CallId
from setaria.core.usage import Usage
from setaria.domain.routing.ports import Attempt, Failure, ModelRequest, RelayAttempt
from setaria.wire.anthropic_messages.client import AnthropicUpstream
from setaria.wire.codec import Envelope
from setaria.wire.fields import read_body
from setaria.wire.mould import Mould
from setaria.wire.openai_chat.client import OpenAIUpstream
from setaria.wire.shortcut import Shortcut
from setaria.wire.upstream_codec import Manner, UpstreamCodec
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import turns, until
from tests.fault_server.server import FaultServer, serve_faults

KEY = "sk-very-secret"
TIMEOUTS = Timeouts(connect_s=1.0, first_token_s=2.0, between_tokens_s=3.0, total_s=60.0)
CODECS: dict[str, UpstreamCodec] = {"openai": OpenAIUpstream(), "anthropic": AnthropicUpstream()}
DIALOGUE = Dialogue(
    messages=(Message("user", (Text("What is the weather in Paris?"),)),),
    thinking=True,
    max_output_tokens=100,
    sampling=Sampling(1.0, 0.95),
    tools=(Tool("get_weather", "Tells the weather.", b'{"type":"object","properties":{"city":{"type":"string"}}}'),),
)
PROMPT_TOKENS = estimate_dialogue(DIALOGUE)


class EventTaker:
    """Implements the routing port Sink."""

    def __init__(self) -> None:
        self.shortcut = Shortcut()
        self.batches: list[list[Event]] = []
        self.error: Failure | None = None
        self.usage: Usage | None = None
        self._builder = AnswerBuilder()

    def receive(self, events: Sequence[Event]) -> None:
        assert not self.is_over
        self.batches.append(list(events))
        for event in events:
            self._builder.add(event)
            if isinstance(event, UsageReport):
                self.usage = event.usage

    def follow(self, mould: Mould, like: Saying) -> None: ...

    def fail(self, error: Failure) -> None:
        assert not self.is_over
        self.error = error

    @property
    def is_over(self) -> bool:
        """Whether it was told an end."""
        return self.usage is not None or self.error is not None

    @property
    def answer(self) -> Answer:
        """What came so far."""
        return self._builder.build()


class ByteTaker:
    """Implements the routing port RelaySink."""

    def __init__(self) -> None:
        self.shortcut = Shortcut()
        self.pieces: list[bytes] = []
        self.last: bytes | None = None
        self.error: Failure | None = None
        self.usage: Usage | None = None
        self.said_tokens = 0

    def receive(self, data: bytes) -> None:
        assert not self.is_over
        self.pieces.append(data)

    def follow(self, mould: Mould) -> None: ...

    def finish(self, last: bytes, usage: Usage | None, said_tokens: int) -> None:
        assert not self.is_over
        self.last, self.usage, self.said_tokens = last, usage, said_tokens

    def fail(self, error: Failure) -> None:
        assert not self.is_over
        self.error = error

    @property
    def is_over(self) -> bool:
        """Whether it was told an end."""
        return self.last is not None or self.error is not None

    @property
    def content(self) -> bytes:
        """All bytes that would have been sent on."""
        return b"".join(self.pieces) + (self.last or b"")


class Bench:
    """An upstream, the fault server behind it, and the clock of both."""

    def __init__(self, server: FaultServer, upstream: HttpUpstream, clock: FakeClock) -> None:
        self.server = server
        self.upstream = upstream
        self.clock = clock

    def start(self, scenario: str, sink: EventTaker, *, stream: bool = True) -> Attempt:
        """Ask for an answer as events."""
        return self.upstream.start(request_for(scenario, stream=stream), sink)

    def relay(self, scenario: str, sink: ByteTaker, *, stream: bool = True) -> RelayAttempt:
        """Ask for an answer as bytes."""
        return self.upstream.relay(envelope_of(stream=stream), request_for(scenario, stream=stream), sink)

    async def take_bytes_to_join(self, scenario: str) -> ByteTaker:
        """Ask for a stream on behalf of a caller who wants none, and wait until nothing is left of any call."""
        sink = ByteTaker()
        self.upstream.relay(envelope_of(stream=False), request_for(scenario), sink)
        await until(lambda: sink.is_over and not self.upstream._attempts)
        return sink

    async def take_events(self, scenario: str, *, stream: bool = True) -> EventTaker:
        """Ask for an answer as events and wait until nothing is left of any call."""
        sink = EventTaker()
        self.start(scenario, sink, stream=stream)
        await until(lambda: sink.is_over and not self.upstream._attempts)
        return sink

    async def take_bytes(self, scenario: str, *, stream: bool = True) -> ByteTaker:
        """Ask for an answer as bytes and wait until nothing is left of any call."""
        sink = ByteTaker()
        self.relay(scenario, sink, stream=stream)
        await until(lambda: sink.is_over and not self.upstream._attempts)
        return sink

    def pass_time(self, seconds: float) -> None:
        """Let time pass and the clocks be looked at, before and after."""
        self.upstream.tick(self.clock.monotonic_s())
        self.clock.advance(seconds)
        self.upstream.tick(self.clock.monotonic_s())


def envelope_of(*, stream: bool) -> Envelope:
    """Write what a caller asks for."""
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    body = json.dumps({"model": "public", "messages": messages, "stream": stream, "max_tokens": 100}).encode()
    return Envelope("public", stream, read_body(body))


def request_for(scenario: str, *, stream: bool = True) -> ModelRequest:
    """Write what the gateway asks for."""
    manner = Manner(scenario, "none")
    return ModelRequest(
        CallId("c"), scenario, DIALOGUE, stream=stream, manner=manner, shown_model="public", input_tokens=PROMPT_TOKENS
    )


def make_network(clock: FakeClock) -> Network:
    """Make a network that knows the system's names and no authority: reading the system's takes longer than a test."""
    return Network(Resolver(clock), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@asynccontextmanager
async def bench(kind: str, **changes: object) -> AsyncIterator[Bench]:
    """Build an upstream before a fault server; what it opened must be closed in the end."""
    clock = FakeClock()
    async with serve_faults() as server:
        base_url = server.url + ("/v1" if kind == "openai" else "")
        spec = UpstreamSpec("vllm-1", base_url, KEY, timeouts=TIMEOUTS)
        upstream = HttpUpstream(msgspec.structs.replace(spec, **changes), CODECS[kind], make_network(clock), clock)
        yield Bench(server, upstream, clock)
        await upstream.close()
        await turns()
        assert upstream.connections == (0, 0, 0)
        await until(lambda: server.counts["open"] == 0)


def play(story: Callable[[Bench], Awaitable[None]], kind: str = "openai", **changes: object) -> None:
    """Play a story on uvloop, as in production."""

    async def whole() -> None:
        async with bench(kind, **changes) as built:
            await story(built)

    uvloop.run(whole())
