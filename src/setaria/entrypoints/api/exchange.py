"""Exchange: one request on a connection and the answer to it; to the gateway it is the client.

States of the body: arriving, whole, refused (what still arrives is thrown away). States of the answer: none, streaming,
over. The answer may be over before the body is whole; the connection then can't be used again.
"""

import asyncio
from collections.abc import Callable
from types import MethodType
from typing import Protocol

from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.outbox import Outbox
from setaria.entrypoints.api.answer_head import (
    COMMENT,
    CONTINUE,
    JSON,
    LAST_CHUNK,
    stream_head,
    whole_head,
    write_lines,
)
from setaria.entrypoints.api.head import RequestHead
from setaria.gateway.ports import ClientGone, Watcher
from setaria.wire.http_chunk import write_chunk
from setaria.wire.shortcut import SendChunk

LITTLE_BYTES = 1024


class Line(Protocol):
    """What an exchange needs of its connection."""

    full: bool
    peer: str
    outbox: Outbox

    @property
    def date(self) -> str:
        """The moment, as HTTP writes it."""
        ...

    @property
    def may_stay(self) -> bool:
        """Whether the connection may be kept for another request."""
        ...

    @property
    def send(self) -> Callable[[bytes], None]:
        """What writes bytes; another one once the connection is lost."""
        ...

    def rest(self) -> None:
        """Take no more memory than an answer under way needs."""
        ...

    def exchange_over(self, *, close: bool) -> None:
        """Take the news that the answer is complete; `close`: the connection can't be used again."""
        ...

    def break_off(self) -> None:
        """Cut the connection, so that the client sees that the answer is not whole."""
        ...


class Exchange:
    """Implements `gateway.ports.Client` over one HTTP request."""

    __slots__ = (
        "_announced",
        "_body_error",
        "_body_waiter",
        "_chunked",
        "_harmless",
        "_line",
        "_over",
        "_parts",
        "_streaming",
        "_watcher",
        "call_id",
        "gone",
        "head",
        "size_bytes",
        "whole",
    )

    def __init__(self, line: Line, call_id: CallId, head: RequestHead) -> None:
        self._line = line
        self.call_id = call_id
        self.head = head
        self.whole = False
        self.gone = False
        self.size_bytes = 0
        self._parts: list[bytes | bytearray] = []
        self._body_waiter: asyncio.Future[None] | None = None
        self._body_error: Exception | None = None
        self._harmless = CONTINUE
        self._streaming = False
        self._chunked = False
        self._over = False
        self._watcher: Watcher | None = None
        self._announced = ""

    # ---- what the connection tells

    def add_body(self, data: bytes) -> None:
        """Take more of the body; little pieces are put together, for each would cost far more than what is in it."""
        self.size_bytes += len(data)
        if len(data) >= LITTLE_BYTES or not self._parts:
            self._parts.append(data)
            return
        last = self._parts[-1]
        if isinstance(last, bytearray):
            last += data
        else:
            self._parts.append(bytearray(data))

    def take_body(self, data: bytes) -> None:
        """Take a body that came at once, empty where there is none."""
        if data:
            self.size_bytes = len(data)
            self._parts.append(data)
        self.whole = True

    def end_body(self) -> None:
        """Take the news that the body is whole."""
        self.whole = True
        self._wake()

    def fail_body(self, error: SetariaError) -> None:
        """Take the news that the body will never be whole."""
        if self._body_error is None:
            self._body_error = error
            self._wake()

    def leave(self) -> None:
        """Take the news that the connection is lost."""
        if self.gone:
            return
        self.gone = True
        if not self.whole and self._body_error is None:
            self._body_error = ClientGone()
        self._wake()
        if self._watcher is not None and not self._over:
            self._watcher.client_left()

    def fill(self) -> None:
        """Take the news that the client does not keep up."""
        if self._watcher is not None:
            self._watcher.client_full()

    def drain(self) -> None:
        """Take the news that the client has caught up."""
        if self._watcher is not None:
            self._watcher.client_ready()

    def tick(self, now_s: float) -> None:
        """Take the news that time has passed."""
        if self._watcher is not None and not self._over:
            self._watcher.tick(now_s)

    def shut_down(self) -> None:
        """Take the news that the server ends now."""
        if self._watcher is not None and not self._over:
            self._watcher.shut_down()

    def probe(self) -> None:
        """Write something that clients pass over, so that a socket that is closed for good shows itself."""
        self._line.send(self._harmless)

    @property
    def peer(self) -> str:
        """The client's address."""
        return self._line.peer

    @property
    def over(self) -> bool:
        """Whether the answer is complete."""
        return self._over

    # ---- what the gateway asks

    async def read_body(self) -> bytes:
        """Wait for the whole request body."""
        if not self.whole and self._body_error is None:
            if self.head.expects_continue and not self.size_bytes:
                self._line.send(CONTINUE)
            self._body_waiter = asyncio.get_running_loop().create_future()
            await self._body_waiter
        if self._body_error is not None:
            raise self._body_error
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        return bytes(body)

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher what happens from now on."""
        self._watcher = watcher
        if self.gone:
            watcher.client_left()
        elif self._line.full:
            watcher.client_full()

    def announce(self, lines: str) -> None:
        """Let the answer's head have these lines, whatever the answer is."""
        self._announced = lines

    def respond(
        self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = (), *, content_type: str = JSON
    ) -> None:
        """Send a whole answer, in JSON unless its type says otherwise."""
        if self._over or self.gone:
            return
        if self._streaming:
            self.break_off()
            return
        close = not self._reusable(framed=True)
        content = b"" if self.head.method == "HEAD" else body
        lines = f"content-type: {content_type}\r\n{self._announced}"
        if headers:
            lines += write_lines(headers)
        line = self._line
        head = whole_head(status, len(body), line.date, self.call_id, lines, close=close)
        line.outbox.put(line, head + content)
        self._finish(close=close)

    def start_stream(self) -> SendChunk | None:
        """Send the head of a stream; gives the way for its chunks."""
        chunked = self.head.version == "1.1"
        self.open(stream_head(self._line.date, self.call_id, self._announced, chunked=chunked), chunked=chunked)
        self._announced = ""
        if self.head.keep_alive:
            self._line.rest()
        self._harmless = write_chunk(COMMENT)
        return MethodType(_post, self._line) if chunked else None

    def open(self, head: bytes, *, chunked: bool) -> None:
        """Send the head of an answer whose body comes in pieces, each to be framed as a chunk or sent as it is."""
        if self._over or self.gone or self._streaming:
            return
        self._streaming = True
        self._chunked = chunked
        self._harmless = b""
        self._line.send(head)

    def write(self, data: bytes) -> None:
        """Send more of the stream."""
        if self._over or self.gone or not data:
            return
        self._line.outbox.put(self._line, write_chunk(data) if self._chunked else data)

    def finish(self, data: bytes) -> None:
        """Send the last of the stream and end it."""
        if self._over or self.gone:
            return
        last = write_chunk(data) + LAST_CHUNK if self._chunked else data
        self._line.outbox.put(self._line, last)
        self._finish(close=not self._reusable(framed=self._chunked))

    def finish_sized(self) -> None:
        """End an answer whose head told its length."""
        if not self._over and not self.gone:
            self._finish(close=not self._reusable(framed=True))

    def break_off(self) -> None:
        """End the answer so that the client sees that it is not whole."""
        if not self._over and not self.gone:
            self._over = True
            self._line.outbox.flush()
            self._line.break_off()

    def _reusable(self, *, framed: bool) -> bool:
        return framed and self.head.keep_alive and self.whole and self._line.may_stay

    def _finish(self, *, close: bool) -> None:
        """End the answer; where the connection is closed after it, it goes out first."""
        self._over = True
        self._watcher = None
        if close:
            self._line.outbox.flush()
        self._line.exchange_over(close=close)

    def _wake(self) -> None:
        waiter, self._body_waiter = self._body_waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _post(line: Line, data: bytes) -> None:
    """Have bytes sent on a line; as a method of the line it costs each event less than a partial would."""
    line.outbox.put(line, data)
