"""Request: one request to an HTTP server, on its way through the pool.

Theory. A request waits while the pool is full, then for a new connection, then for its answer. What moves it:

    event                                            from                    to
    there is an idle connection                      WAITING                 SENT
    there is none, but room for one more             WAITING                 CONNECTING
    the connection stands                            CONNECTING              SENT
    its idle connection was dead all the time        SENT                    WAITING
    the answer is whole, failed, or not wanted       any                     OVER

After OVER the sink is never called.
"""

from abc import ABC, abstractmethod
from typing import Literal, Protocol

from setaria.core.errors import UpstreamError
from setaria.wire.shortcut import Shortcut

Header = tuple[bytes, bytes]
Phase = Literal["waiting", "connecting", "sent", "over"]


class Sink(Protocol):
    """Takes an answer while it comes in. Calls come from the event loop, in order, and must not block."""

    def head(self, status: int, headers: list[Header]) -> None:
        """Take status and headers."""
        ...

    def body(self, data: bytes) -> None:
        """Take more of the body, its framing removed: all that came at once."""
        ...

    def end(self) -> None:
        """Take the news that the answer is whole."""
        ...

    def fail(self, error: UpstreamError) -> None:
        """Take the news that it never will be."""
        ...


class Carrier(Protocol):
    """The connection that a request was sent on."""

    def abort(self) -> None:
        """Close at once."""
        ...

    def rest(self) -> None:
        """Take no more memory than an answer needs that goes on as it did."""
        ...

    def pause(self) -> None:
        """Stop reading."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...


class Desk(Protocol):
    """Where a request came from."""

    def withdraw(self, pooled: "Request") -> None:
        """Forget a request that waits or whose connection is being made."""
        ...


class Request(ABC):
    """One request and its answer; what becomes of the answer is for the class below it to say.

    What `shortcut` lets pass of the body is not told; None: nothing may pass.
    After `cancel` none of the four methods of the answer is called.
    """

    __slots__ = ("_desk", "cancelled", "connection", "method", "paused", "phase", "request", "shortcut")

    def __init__(self, desk: Desk, request: bytes, method: str) -> None:
        self.request = request
        self.method = method
        self.phase: Phase = "waiting"
        self.cancelled = False
        self.paused = False
        self.connection: Carrier | None = None
        self.shortcut: Shortcut | None = None
        self._desk = desk

    @abstractmethod
    def head(self, status: int, headers: list[Header]) -> None:
        """Take status and headers."""

    @abstractmethod
    def body(self, data: bytes) -> None:
        """Take more of the body, its framing removed: all that came at once."""

    @abstractmethod
    def end(self) -> None:
        """Take the news that the answer is whole."""

    @abstractmethod
    def fail(self, error: UpstreamError) -> None:
        """Take the news that it never will be."""

    def cancel(self) -> None:
        """Close the connection; nothing of the answer is told any more. Harmless after the end."""
        self.cancelled = True
        self.phase = "over"
        connection, self.connection = self.connection, None
        if connection is None:
            self._desk.withdraw(self)
        else:
            connection.abort()

    def pause(self) -> None:
        """Stop reading, now or as soon as there is something to read."""
        self.paused = True
        if self.connection is not None:
            self.connection.pause()

    def resume(self) -> None:
        """Read again."""
        self.paused = False
        if self.connection is not None:
            self.connection.resume()

    def failed(self, error: UpstreamError) -> None:
        """End without a whole answer, and say so unless nobody listens any more."""
        self.phase = "over"
        self.connection = None
        if not self.cancelled:
            self.fail(error)


class PooledRequest(Request):
    """A request whose answer goes to a sink."""

    __slots__ = ("sink",)

    def __init__(self, desk: Desk, request: bytes, method: str, sink: Sink) -> None:
        super().__init__(desk, request, method)
        self.sink = sink

    def head(self, status: int, headers: list[Header]) -> None:
        """Take status and headers."""
        self.sink.head(status, headers)

    def body(self, data: bytes) -> None:
        """Take more of the body."""
        self.sink.body(data)

    def end(self) -> None:
        """Take the news that the answer is whole."""
        self.sink.end()

    def fail(self, error: UpstreamError) -> None:
        """Take the news that it never will be."""
        self.sink.fail(error)
