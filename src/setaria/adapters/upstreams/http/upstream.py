"""HTTP upstream: a model server that speaks one of the protocols, over http or https."""

import asyncio
import contextlib

import msgspec

from setaria.adapters.upstreams.http.attempt import HttpAttempt
from setaria.adapters.upstreams.http.connect import Network, make_connect
from setaria.adapters.upstreams.http.origin import read_origin
from setaria.adapters.upstreams.http.pool import HttpPool, PoolLimits
from setaria.adapters.upstreams.http.proxy import choose_proxy
from setaria.adapters.upstreams.http.readings import (
    EventsAtOnce,
    EventStream,
    Reading,
    RelayedAtOnce,
    RelayedStream,
)
from setaria.adapters.upstreams.http.request import Header
from setaria.adapters.upstreams.http.request_head import Route, check_headers, write_head
from setaria.core.clock import Clock
from setaria.core.entries import Timeouts
from setaria.core.errors import CallerError, UpstreamError, UpstreamFailed
from setaria.core.protocol import ProtocolName
from setaria.domain.routing.ports import Attempt, ModelRequest, RelayAttempt, RelaySink, Sink
from setaria.wire.codec import Envelope
from setaria.wire.upstream_codec import Manner, UpstreamCodec

TICK_S = 0.25

_CHECK_WITHIN_S = 5.0
_MODEL_LISTS: dict[ProtocolName, str] = {"openai_chat": "/models", "anthropic_messages": "/v1/models"}
_SERVER_FAULT = 500


class UpstreamSpec(msgspec.Struct, frozen=True):
    """How an upstream is set up. `key` is empty where none is wanted; `concurrency` 0 sets no cap to calls in flight,
    `max_wait_s` is how long a call beyond it waits.
    """

    name: str
    base_url: str
    key: str = ""
    headers: tuple[Header, ...] = ()
    concurrency: int = 0
    max_wait_s: float = 5.0
    timeouts: Timeouts = Timeouts()

    def __repr__(self) -> str:
        return f"UpstreamSpec(name={self.name!r}, base_url={self.base_url!r})"


class HttpUpstream:
    """A model server; implements the port Upstream.

    Order: `tick` every `TICK_S` seconds, or no clock runs; `close` once, at the end.
    """

    def __init__(self, spec: UpstreamSpec, codec: UpstreamCodec, network: Network, clock: Clock) -> None:
        """Take what is known of the server; nothing is sent yet.

        Raises: Misconfigured when base_url, key, headers or proxy are not as they must be.
        """
        self.name = spec.name
        self.protocol = codec.name
        self._codec = codec
        self._clock = clock
        self._timeouts = spec.timeouts
        self._attempts: set[HttpAttempt] = set()
        origin = read_origin(spec.base_url)
        route = Route(origin, choose_proxy(network.proxies, origin))
        own = (*codec.headers(spec.key), *spec.headers)
        check_headers(spec.name, own)
        self._head = write_head(b"POST", route, codec.path, ((b"content-type", b"application/json"), *own))
        self._check_request = write_head(b"GET", route, _MODEL_LISTS[codec.name], own) + b"\r\n"
        limits = PoolLimits(max_connections=spec.concurrency, max_wait_s=spec.max_wait_s)
        self._pool = HttpPool(spec.name, make_connect(spec.name, origin, network, spec.timeouts.connect_s), limits)
        self._pool.tick(clock.monotonic_s())

    @property
    def connections(self) -> tuple[int, int, int]:
        """Tell how many connections are open or being made, how many of them are idle, and how many calls wait."""
        return self._pool.size

    def start(self, request: ModelRequest, sink: Sink) -> Attempt:
        """Ask for an answer as events; it and any error come to the sink, in a later turn of the loop."""
        codec, dialogue = self._codec, request.dialogue
        kind = EventStream if request.stream else EventsAtOnce
        reading = kind(codec, dialogue, sink)
        attempt = HttpAttempt(self._pool, codec, reading, request.timeouts or self._timeouts, self._clock)
        try:
            body = codec.write_request(dialogue, request.manner or _manner(request), stream=request.stream)
            self._send(attempt, body)
        except (CallerError, UpstreamError) as error:
            asyncio.get_running_loop().call_soon(attempt.refuse, error)
        return attempt

    def relay(self, envelope: Envelope, request: ModelRequest, sink: RelaySink) -> RelayAttempt:
        """Ask for an answer in the caller's own protocol; its bytes and any error come to the sink, later."""
        codec, dialogue = self._codec, request.dialogue
        model = request.shown_model or envelope.model
        reading: Reading
        if not request.stream:
            reading = RelayedAtOnce(codec, model, dialogue, sink)
        elif envelope.stream:
            reading = RelayedStream(codec, model, request.input_tokens, sink)
        else:  # the caller wants the whole of it, so that one which is whole will do, too
            at_once = RelayedAtOnce(codec, model, dialogue, sink)
            reading = RelayedStream(codec, model, request.input_tokens, sink, at_once)
            envelope = Envelope(envelope.model, stream=True, fields=envelope.fields)
        attempt = HttpAttempt(self._pool, codec, reading, request.timeouts or self._timeouts, self._clock)
        try:
            self._send(attempt, codec.rewrite_request(envelope, dialogue, request.manner or _manner(request)))
        except (CallerError, UpstreamError) as error:
            asyncio.get_running_loop().call_soon(attempt.refuse, error)
        return attempt

    async def count_input_tokens(self, request: ModelRequest) -> int | None:  # noqa: ARG002 - the port's signature
        """Give None: these servers are not asked to count."""
        return None

    async def check(self) -> str:
        """Ask for the list of models, and tell in a sentence what is wrong with the server; empty when nothing is."""
        answer = _StatusSink()
        request = self._pool.send(self._check_request, "GET", answer)
        try:
            async with asyncio.timeout(_CHECK_WITHIN_S):
                status = await answer.status
        except UpstreamError as error:
            return error.message
        except TimeoutError:
            return f"{self.name} did not answer within {_CHECK_WITHIN_S:g} s"
        finally:
            request.cancel()
        if status in {401, 403}:
            return f"{self.name} refuses its key (status {status}); check api_key_env or api_key_file"
        return f"{self.name} answers with status {status}" if status >= _SERVER_FAULT else ""

    def tick(self, now_s: float) -> None:
        """Look at all clocks: those of calls, of waiting calls and of idle connections."""
        self._pool.tick(now_s)
        for attempt in list(self._attempts):
            attempt.tick(now_s)

    async def close(self) -> None:
        """End all connections; calls under way fail."""
        self._pool.close()
        for attempt in list(self._attempts):
            attempt.stop(UpstreamFailed("the server is stopping; send the request again"))

    def _send(self, attempt: HttpAttempt, body: bytes) -> None:
        attempt.begin(b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(body), body), self._attempts)
        self._pool.submit(attempt)


def _manner(request: ModelRequest) -> Manner:
    return Manner(request.model, "none")


class _StatusSink:
    """Waits for a status."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def head(self, status: int, headers: list[Header]) -> None:  # noqa: ARG002 - the port's signature
        """Take the status."""
        self.status.set_result(status)

    def body(self, data: bytes) -> None:
        """Pass over the body."""

    def end(self) -> None:
        """Pass over the end."""

    def fail(self, error: UpstreamError) -> None:
        """Take the error; after the status it does not matter."""
        with contextlib.suppress(asyncio.InvalidStateError):
            self.status.set_exception(error)
