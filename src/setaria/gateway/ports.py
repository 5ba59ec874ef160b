"""Ports: what a call needs of its client, of the log and of the meter."""

from typing import Protocol

from setaria.core.protocol import ProtocolName
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord
from setaria.wire.shortcut import SendChunk


class ClientGone(Exception):
    """The client closed its connection before it had sent a whole request."""


class Watcher(Protocol):
    """Hears what happens to the client while its call is under way."""

    def client_left(self) -> None:
        """The connection is closed; nothing more can be sent."""
        ...

    def client_full(self) -> None:
        """The client reads more slowly than we write."""
        ...

    def client_ready(self) -> None:
        """The client has caught up."""
        ...

    def shut_down(self) -> None:
        """The server stops and its grace period is over."""
        ...

    def tick(self, now_s: float) -> None:
        """Time has passed; comes about once a second."""
        ...


class Client(Protocol):
    """The program that made the call.

    Order: either `respond` once, or `start_stream`, any number of `write`, then `finish`. After the
    answer's end and after `client_left` all of them do nothing; `respond` after `start_stream` breaks the stream off.
    """

    async def read_body(self) -> bytes:
        """Wait for the whole request body.

        Raises: ClientGone, TooLarge, SlowRequest, Unavailable (no memory left for bodies).
        """
        ...

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher from now on; at once if the client has left already."""
        ...

    def announce(self, lines: str) -> None:
        """Let the answer's head have these header lines, each with its end of line, whatever the answer is."""
        ...

    def respond(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Send a whole JSON answer."""
        ...

    def start_stream(self) -> SendChunk | None:
        """Send the head of a stream of server-sent events, status 200.

        Gives: a shorter way than `write` for what comes as HTTP chunks; None where the stream is sent in another way.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send more of the stream."""
        ...

    def finish(self, data: bytes) -> None:
        """Send the last of the stream and end it."""
        ...


class Spool(Protocol):
    """Keeps calls that the books could not take now, on this machine's own disk."""

    @property
    def is_full(self) -> bool:
        """Whether it can take no more."""
        ...

    async def keep(self, call: CallRecord, debits: tuple[Debit, ...], oddity: str) -> None:
        """Keep a call until the books have it; durable when this returns.

        Raises: Unavailable when it can't be kept.
        """
        ...


class Log(Protocol):
    """Takes structured log lines; never a secret, never prompt or answer text."""

    def info(self, event: str, **fields: object) -> None:
        """Log something that is as it should be."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Log something that someone should look at."""
        ...

    def error(self, event: str, **fields: object) -> None:
        """Log something that someone must mend."""
        ...


class Meter(Protocol):
    """Counts what happens to calls, for those who watch the platform; it is no part of the books.

    Cost: hot path; 2 us a call at most.
    """

    def count_call(self, record: CallRecord, parent: bytes) -> None:
        """Count a call that is on the books; `parent` is the span that its caller says it is a part of."""
        ...

    def count_refusal(self, error: str, status: int) -> None:
        """Count a refused request by the error's kind and its HTTP status."""
        ...

    def count_dropped_fields(self, protocol: ProtocolName, fields: int) -> None:
        """Count unknown fields of a request that no upstream gets to see."""
        ...

    def count_lost_settlement(self) -> None:
        """Count a call that could not be put on the books."""
        ...
