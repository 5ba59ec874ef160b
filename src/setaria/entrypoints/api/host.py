"""Host: what a connection needs of its server."""

from typing import Protocol

from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.outbox import Outbox
from setaria.entrypoints.api.exchange import Exchange
from setaria.entrypoints.api.known_request import KnownRequest
from setaria.wire.http_head import KnownHead


class Guest(Protocol):
    """A connection, as its server sees it."""

    def tick(self, now_s: float) -> None:
        """End what has taken too long."""
        ...

    def stop(self) -> None:
        """Close at once when idle; else the answer under way is the last."""
        ...

    def shut_down(self) -> None:
        """End the answer under way."""
        ...

    def break_off(self) -> None:
        """Cut the connection."""
        ...

    def starve(self, timeout_s: float) -> None:
        """Stop reading until there is memory for bodies again; `timeout_s` later the request is refused."""
        ...

    def feed(self) -> None:
        """Read again."""
        ...


class Host(Protocol):
    """What a connection needs of its server."""

    header_limit_bytes: int
    body_limit_bytes: int
    stopping: bool
    date: str
    outbox: Outbox
    known_requests: dict[KnownHead, KnownRequest]

    def now_s(self) -> float:
        """Tell the monotonic time."""
        ...

    def new_call_id(self) -> CallId:
        """Make the next call's id."""
        ...

    def welcome(self, connection: Guest) -> bool:
        """Take a connection in; False when there is no room for it."""
        ...

    def farewell(self, connection: Guest) -> None:
        """Let a connection go."""
        ...

    def handle(self, exchange: Exchange) -> None:
        """Begin to answer a request whose head is read."""
        ...

    def refuse(self, exchange: Exchange, error: SetariaError) -> None:
        """Answer a request that can't be read."""
        ...

    def take_memory(self, connection: Guest, size_bytes: int) -> None:
        """Count body bytes that are held; pauses the connection when there are too many in the process."""
        ...

    def free_memory(self, size_bytes: int) -> None:
        """Count body bytes that are no longer held."""
        ...
