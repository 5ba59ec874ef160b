"""Connection: one keep-alive connection to an HTTP server.

Theory. A connection is idle, busy with one request, or closed. Nothing of a request is left behind when it is idle
again: it goes back to the pool only when the answer was whole, the request was sent to its end, nothing came after the
answer, and the server wants to keep it too. In all other cases it is closed. What comes while it is idle closes it.

llhttp takes the framing off; the sink is called after it has taken in all that came at once, so a sink that cancels or
raises never does so in the middle of a parse. Where it waits for the next chunk and what comes is one whole chunk, it
need not see that: it would wait for the next one again. Servers send an event as one chunk, so most go by that way. Nor
need it see an answer that came at once with a head which it knows. So it is let go while chunk after chunk is whole,
and made anew, in the same state, for the first thing that is something else.
"""

import asyncio
from typing import NamedTuple, Protocol, cast

import httptools

from setaria.adapters.upstreams.http.request import Header, Request
from setaria.core.errors import UpstreamCut, UpstreamError, UpstreamFailed
from setaria.core.outbox import Outbox
from setaria.wire.http_chunk import read_whole_chunk
from setaria.wire.http_head import KnownHead, learn_head
from setaria.wire.shortcut import Shortcut

HEADER_LIMIT_BYTES = 64 * 1024

_FINAL_STATUS = 200
_METHOD = "POST"
_GOOD = b"HTTP/1.1 200 "
_LINE_END = b"\r\n"
_HEADER_EXTRA_BYTES = 4  # colon, space and line end
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_IN_CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"


class KnownAnswer(NamedTuple):
    """A head that answers of the server have, its connection is kept after it, and its headers but for the length."""

    head: KnownHead
    headers: tuple[Header, ...]


class Home(Protocol):
    """The pool, as its connections know it; `may_learn`: it is time for another head to be known."""

    name: str
    known: KnownAnswer | None
    may_learn: bool
    outbox: Outbox

    def keep(self, connection: "HttpConnection") -> None:
        """Take back a connection that is idle again."""
        ...

    def forget(self, connection: "HttpConnection") -> None:
        """Take note that a connection is closed."""
        ...

    def again(self, pooled: Request) -> None:
        """Send a request once more, on a new connection."""
        ...


class HttpConnection(asyncio.Protocol):
    """One connection of the pool."""

    __slots__ = (
        "_has_answered",
        "_head_bytes",
        "_head_is_due",
        "_headers",
        "_home",
        "_is_between_chunks",
        "_is_framed",
        "_is_reused",
        "_is_whole",
        "_loose_bytes",
        "_may_stay",
        "_parser",
        "_pieces",
        "_pooled",
        "_shortcut",
        "_status",
        "_transport",
        "idle_since_s",
        "is_open",
    )

    def __init__(self, home: Home) -> None:
        self.is_open = False
        self.idle_since_s = 0.0
        self._home = home
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._pooled: Request | None = None
        self._shortcut: Shortcut | None = None  # the request's, while the answer is between two chunks
        self._is_reused = False
        self._has_answered = False
        self._loose_bytes = 0  # came since a head, a piece of a body or an answer was last whole
        self._status = 0
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._head_is_due = False
        self._is_framed = False
        self._pieces: list[bytes] = []
        self._is_between_chunks = False
        self._is_whole = False
        self._may_stay = False

    # ---- the pool's side

    def start(self, pooled: Request, *, fresh: bool = False) -> None:
        """Send a request on this connection, which is idle or fresh."""
        self._pooled = pooled
        self._is_reused = not fresh
        if self._has_answered:  # by the parser, which leaves things behind
            self._reset()
        if self._transport is None:
            pooled.failed(UpstreamFailed(f"{self._home.name} closed the connection at once"))
            return
        pooled.connection = self
        pooled.phase = "sent"
        if pooled.paused:
            self._transport.pause_reading()
        self._home.outbox.put(self, pooled.request)

    def send(self, data: bytes) -> None:
        """Write the request, unless the connection was closed meanwhile."""
        if self._transport is not None and self.is_open:
            self._transport.write(data)

    def pause(self) -> None:
        """Stop reading."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def rest(self) -> None:
        """Let the parser go where it only waits for another chunk, until it is needed."""
        parser = self._parser
        if self._is_between_chunks and parser is not None:
            self._may_stay = parser.should_keep_alive()
            self._parser = None

    def abort(self) -> None:
        """Close at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's own signature is wider
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Parse what came, then tell the sink all of it at once."""
        shortcut = self._shortcut
        if shortcut is not None and shortcut.pass_on(data):
            return
        pooled = self._pooled
        if pooled is None:
            self.abort()
            return
        if self._is_between_chunks:
            piece = read_whole_chunk(data)
            if piece:
                if not pooled.cancelled:
                    pooled.body(piece)
                return
        is_first = not self._has_answered
        if is_first and self._take_known(pooled, data):
            return
        self._has_answered = True
        self._loose_bytes += len(data)
        is_http = True
        parser = self._parser or self._remake_parser()
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            is_http = False
        self._is_between_chunks = self._is_between_chunks and data.endswith(_LINE_END)
        if max(self._loose_bytes, self._head_bytes) > HEADER_LIMIT_BYTES:
            self._break_off(pooled, f"sent a header section of more than {HEADER_LIMIT_BYTES} bytes")
            return
        if is_first and self._is_whole and is_http:
            self._learn(pooled, data)
        self._deliver(pooled)
        if self._is_whole:
            self._finish(pooled, may_stay=is_http and self._may_stay)
        elif not is_http:
            self._break_off(pooled, "gave an answer that is not HTTP")
        else:
            self._shortcut = pooled.shortcut if self._is_between_chunks else None

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        pooled, self._pooled = self._pooled, None
        self.is_open = False
        self._transport = self._parser = self._shortcut = None
        self._home.forget(self)
        if pooled is None or pooled.cancelled:
            return
        if self._is_reused and not self._has_answered:
            self._home.again(pooled)
        elif not self._status:
            pooled.failed(UpstreamFailed(f"{self._home.name} closed the connection without an answer"))
        elif exc is None and not self._is_framed:
            pooled.phase = "over"
            pooled.end()
        else:
            pooled.failed(UpstreamCut(f"{self._home.name} closed the connection in the middle of its answer"))

    # ---- llhttp's side

    def on_message_begin(self) -> None:
        """Take note when a second answer begins, which nobody asked for."""
        if self._is_whole:
            self._may_stay = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after the body are passed over."""
        if not self._status:
            self._headers.append((name, value))
            self._head_bytes += len(name) + len(value) + _HEADER_EXTRA_BYTES

    def on_headers_complete(self) -> None:
        """Take status and headers; those of an interim answer are passed over."""
        if self._parser is None or self._is_whole or self._status:
            return
        self._loose_bytes = 0
        status = self._parser.get_status_code()
        if status < _FINAL_STATUS:
            self._headers = []
            return
        self._status = status
        self._head_is_due = True
        if self._pooled is not None and self._pooled.method == "HEAD":
            # the parser does not know what was asked and waits for a body
            self._is_whole = True
            self._may_stay = self._parser.should_keep_alive()
            self._parser = httptools.HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        """Take more of the body."""
        self._loose_bytes = 0
        if self._is_whole:
            self._may_stay = False
        else:
            self._pieces.append(data)

    def on_chunk_header(self) -> None:
        """Take note that a chunk begins."""
        self._is_between_chunks = False

    def on_chunk_complete(self) -> None:
        """Take note that a chunk is whole."""
        self._is_between_chunks = True

    def on_message_complete(self) -> None:
        """Take note that the answer is whole."""
        self._is_between_chunks = False
        if self._status and not self._is_whole and self._parser is not None:
            self._loose_bytes = 0
            self._is_whole = True
            self._may_stay = self._parser.should_keep_alive()

    # ---- inner steps

    def _reset(self) -> None:
        """Forget the answer before."""
        self._has_answered = False
        self._loose_bytes = self._head_bytes = self._status = 0
        self._headers = []
        self._pieces = []
        self._shortcut = None
        self._head_is_due = self._is_between_chunks = self._is_whole = self._may_stay = False

    def _remake_parser(self) -> httptools.HttpResponseParser:
        """Make a parser that has read the head of a chunked answer and waits for a chunk, as the one let go did."""
        self._parser = parser = httptools.HttpResponseParser(self)
        parser.feed_data(_IN_CHUNKS + (b"\r\n" if self._may_stay else b"connection: close\r\n\r\n"))
        return parser

    def _take_known(self, pooled: Request, data: bytes) -> bool:
        """Take a whole answer whose head is known; tells whether it was one."""
        known = self._home.known
        at = known.head.find_body(data) if known is not None and pooled.method == _METHOD else 0
        if known is None or not at:
            return False
        length = (b"content-length", b"%d" % (len(data) - at))
        if not pooled.cancelled:
            pooled.head(_FINAL_STATUS, [*known.headers, length])
        if len(data) > at and not pooled.cancelled:
            pooled.body(data[at:])
        self._finish(pooled, may_stay=True)
        return True

    def _learn(self, pooled: Request, data: bytes) -> None:
        """Know the head of an answer that came at once from now on, if its connection is kept and the time has come."""
        home = self._home
        if home.may_learn and self._may_stay and data.startswith(_GOOD) and pooled.method == _METHOD:
            home.may_learn = False
            head = learn_head(data)
            headers = tuple(field for field in self._headers if field[0].lower() not in _LENGTHS)
            is_sized = len(headers) == len(self._headers) - 1
            home.known = KnownAnswer(head, headers) if head is not None and is_sized else None

    def _deliver(self, pooled: Request) -> None:
        """Tell the sink what has come since the last time."""
        if self._head_is_due:
            self._head_is_due = False
            pooled.request = b""  # it will not be sent again, and may be long
            headers, self._headers = self._headers, []
            self._is_framed = any(name.lower() in _LENGTHS for name, _ in headers)
            if not pooled.cancelled:
                pooled.head(self._status, headers)
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            if not pooled.cancelled:
                pooled.body(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _finish(self, pooled: Request, *, may_stay: bool) -> None:
        """Go back to the pool if nothing speaks against it, and tell the sink that the answer is whole."""
        self._pooled = self._shortcut = None
        pooled.connection = None
        pooled.phase = "over"
        transport = self._transport
        if may_stay and self.is_open and transport is not None and not transport.get_write_buffer_size():
            if pooled.paused:
                transport.resume_reading()
            self._home.keep(self)
        else:
            self.abort()
        if not pooled.cancelled:
            pooled.end()

    def _break_off(self, pooled: Request, what: str) -> None:
        self._pooled = None
        self.abort()
        is_told = self._status and not self._head_is_due
        kind: type[UpstreamError] = UpstreamCut if is_told else UpstreamFailed
        pooled.failed(kind(f"{self._home.name} {what}"))
