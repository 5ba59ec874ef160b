"""Relay: hands a request that is not the data plane's to the console process, and its answer back."""

import asyncio
from typing import Protocol

from setaria.core.errors import InvalidRequest, SetariaError, UpstreamError, WrongMethod
from setaria.entrypoints.api.answer_head import REASONS
from setaria.entrypoints.api.exchange import Exchange
from setaria.entrypoints.api.head import Header
from setaria.entrypoints.api.proxies import NO_PROXIES, Proxies

PEER_HEADER = b"x-setaria-peer"
METHODS = ("GET", "HEAD")
BODILESS_STATUSES = frozenset({204, 304})
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"}
)


class RawSink(Protocol):
    """Takes a raw HTTP answer while it comes in."""

    def head(self, status: int, headers: list[Header]) -> None:
        """Take status and headers."""
        ...

    def body(self, data: bytes) -> None:
        """Take more of the body, its framing removed."""
        ...

    def end(self) -> None:
        """Take the news that the answer is whole."""
        ...

    def fail(self, error: UpstreamError) -> None:
        """Take the news that it never will be."""
        ...


class RawRequest(Protocol):
    """A raw HTTP request under way."""

    def cancel(self) -> None:
        """Close its connection; the sink hears no more."""
        ...

    def pause(self) -> None:
        """Stop reading."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...


class RawClient(Protocol):
    """A pooled HTTP client."""

    def send(self, request: bytes, method: str, sink: RawSink) -> RawRequest:
        """Send a whole request; the answer and any error come to the sink."""
        ...


class ConsoleRelay:
    """Relays to the console process."""

    def __init__(self, client: RawClient, proxies: Proxies = NO_PROXIES) -> None:
        self._client = client
        self._proxies = proxies

    async def answer(self, exchange: Exchange) -> None:
        """Relay one request.

        Raises: WrongMethod, InvalidRequest when it is no plain reading; UpstreamError when the console gave no answer.
        """
        head = exchange.head
        if head.method not in METHODS:
            raise WrongMethod(head.method, head.path[:200], ", ".join(METHODS))
        if head.has_body:
            raise InvalidRequest("a request for a page has no body")
        relayed = RelayedAnswer(exchange)
        relayed.begin(self._client.send(_request_bytes(exchange, self._client_of(exchange)), head.method, relayed))
        exchange.watch(relayed)
        await relayed.over
        if relayed.error is not None:
            raise relayed.error

    def _client_of(self, exchange: Exchange) -> str:
        return self._proxies.client_of(exchange.peer, exchange.head.headers)


class RelayedAnswer:
    """One answer under way: sink of the console's bytes and watcher of the client."""

    def __init__(self, exchange: Exchange) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: SetariaError | None = None
        self._exchange = exchange
        self._request: RawRequest | None = None
        self._sized = False

    def begin(self, request: RawRequest) -> None:
        """Take hold of the request under way."""
        self._request = request

    def head(self, status: int, headers: list[Header]) -> None:
        """Send the answer's head on, less what belongs to the connection behind."""
        bodiless = status in BODILESS_STATUSES or self._exchange.head.method == "HEAD"
        self._sized = bodiless or any(name.lower() == b"content-length" for name, _ in headers)
        kept = [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
        kept.append((b"x-request-id", self._exchange.call_id.encode()))
        chunked = not self._sized and self._exchange.head.version == "1.1"
        if chunked:
            kept.append((b"transfer-encoding", b"chunked"))
        elif not self._sized or not self._exchange.head.keep_alive:
            kept.append((b"connection", b"close"))
        line = f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\n".encode()
        fields = b"".join(b"%b: %b\r\n" % field for field in kept)
        self._exchange.open(line + fields + b"\r\n", chunked=chunked)

    def body(self, data: bytes) -> None:
        """Send more on."""
        self._exchange.write(data)

    def end(self) -> None:
        """End the answer."""
        if self._sized:
            self._exchange.finish_sized()
        else:
            self._exchange.finish(b"")
        self._done()

    def fail(self, error: UpstreamError) -> None:
        """End without a whole answer."""
        self.error = error
        self._done()

    def client_left(self) -> None:
        """Stop the console's work."""
        if self._request is not None:
            self._request.cancel()
        self._done()

    def client_full(self) -> None:
        """Let the console wait for the client."""
        if self._request is not None:
            self._request.pause()

    def client_ready(self) -> None:
        """Let the console go on."""
        if self._request is not None:
            self._request.resume()

    def tick(self, now_s: float) -> None:
        """Do nothing: a page is not kept alive."""

    def shut_down(self) -> None:
        """End the answer, for the server stops."""
        self._exchange.break_off()
        self.client_left()

    def _done(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


def _request_bytes(exchange: Exchange, peer: str) -> bytes:
    """Write the request as the console gets it: the peer's address in a header that callers can't set."""
    head = exchange.head
    dropped = _HOP_BY_HOP | {PEER_HEADER, b"content-length"}
    fields = [(name, value) for name, value in head.headers if name.lower() not in dropped]
    fields.append((PEER_HEADER, peer.encode("latin-1")))
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (head.method.encode(), head.target, lines)
