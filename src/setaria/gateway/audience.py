"""Audience: the client of one call, over all attempts to answer it.

States: silent (nothing was sent), open (the head of a stream was sent), gone (the client left, or the server ends).
What happens to the client is told to the attempt under way; an attempt that begins later is told at once. While the
upstream is silent a stream is kept alive, so that no proxy in between cuts it.
"""

from typing import Protocol

from setaria.core.clock import Clock
from setaria.core.errors import SetariaError, Unavailable
from setaria.core.ids import CallId
from setaria.domain.ledger.records import Ending
from setaria.gateway.ports import Client
from setaria.wire.codec import Codec
from setaria.wire.shortcut import SendChunk

KEEP_ALIVE_S = 15.0


class Flow(Protocol):
    """One attempt under way."""

    def stop(self, ending: Ending, error: SetariaError | None) -> None:
        """End it."""
        ...

    def pause(self) -> None:
        """Let it wait."""
        ...

    def resume(self) -> None:
        """Let it go on."""
        ...

    def tick(self, now_s: float) -> None:
        """Look at its clocks."""
        ...


class Audience:
    """Watches the client, and writes to it; implements `Watcher`.

    `send_chunk` is what the open client gives as such; who sends by it says so in `has_written`, once a tick.
    """

    __slots__ = (
        "_client",
        "_flow",
        "_is_full",
        "_silent_since_s",
        "call_id",
        "clock",
        "codec",
        "gone",
        "has_written",
        "is_open",
        "send_chunk",
        "stream",
    )

    def __init__(self, client: Client, codec: Codec, call_id: CallId, clock: Clock, *, stream: bool) -> None:
        self.codec = codec
        self.call_id = call_id
        self.clock = clock
        self.stream = stream
        self.is_open = False
        self.has_written = False  # since the last tick
        self.send_chunk: SendChunk | None = None
        self.gone: tuple[Ending, SetariaError | None] | None = None
        self._flow: Flow | None = None
        self._is_full = False
        self._client = client
        self._silent_since_s = clock.monotonic_s()

    def follow(self, flow: Flow) -> None:
        """Tell this attempt from now on."""
        self._flow = flow
        if self.gone is not None:
            flow.stop(*self.gone)
        elif self._is_full:
            flow.pause()

    def unfollow(self) -> None:
        """Tell nobody: the attempt is over."""
        self._flow = None

    def open(self) -> None:
        """Send the stream's head, unless it was sent."""
        if not self.is_open:
            self.is_open = True
            self.send_chunk = self._client.start_stream()

    def write(self, data: bytes) -> None:
        """Send more of the stream, its head first.

        Cost: hot path; the time is left to `tick`.
        """
        if not self.is_open:
            self.open()
        self.has_written = True
        self._client.write(data)

    def client_left(self) -> None:
        """Take the news that nobody is there to read."""
        self._end("client_gone", None)

    def shut_down(self) -> None:
        """Take the news that the server stops."""
        self._end("shutdown", Unavailable("the server is shutting down; send the request again", retry_after_s=1))

    def client_full(self) -> None:
        """Take the news that the client does not keep up."""
        self._is_full = True
        if self._flow is not None:
            self._flow.pause()

    def client_ready(self) -> None:
        """Take the news that it has caught up."""
        self._is_full = False
        if self._flow is not None:
            self._flow.resume()

    def tick(self, now_s: float) -> None:
        """Let the attempt look at its clocks, and keep the stream alive."""
        if self._flow is not None:
            self._flow.tick(now_s)
        if self.stream and self.gone is None and now_s - self._silent_since_s >= KEEP_ALIVE_S and not self.has_written:
            self.write(self.codec.keep_alive)
        if self.has_written:
            self.has_written = False
            self._silent_since_s = now_s

    def _end(self, ending: Ending, error: SetariaError | None) -> None:
        self.gone = (ending, error)
        if self._flow is not None:
            self._flow.stop(ending, error)
