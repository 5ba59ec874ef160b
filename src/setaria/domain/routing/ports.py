"""Ports: what routing needs from outside."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import CallerError, UpstreamError
from setaria.core.events import Event
from setaria.core.ids import CallId
from setaria.core.usage import Usage


class ModelRequest(msgspec.Struct, frozen=True):
    """What is asked of an upstream: a dialogue for one of its models."""

    call_id: CallId
    model: str
    dialogue: Dialogue


class Sink(Protocol):
    """Takes an answer while it comes in. Calls come from the event loop, in order, and must not block."""

    def receive(self, events: Sequence[Event]) -> None:
        """Take the next events; after one with a `UsageReport` nothing follows."""
        ...

    def fail(self, error: UpstreamError | CallerError) -> None:
        """Take the news that no more events come; a CallerError when the request can't be served, such as
        ContextOverflow or InvalidRequest.
        """
        ...


class Attempt(Protocol):
    """One request under way at an upstream."""

    def cancel(self) -> None:
        """Stop it and free its place there at once; the sink hears no more. Harmless after the end."""
        ...

    def pause(self) -> None:
        """Ask for no more events until `resume`; some may still come."""
        ...

    def resume(self) -> None:
        """Let events come again."""
        ...

    def seen_usage(self) -> Usage | None:
        """Tell the tokens that the upstream has counted so far, for a call that ends early; None when it has not."""
        ...


class Upstream(Protocol):
    """A model server."""

    name: str

    def start(self, request: ModelRequest, sink: Sink) -> Attempt:
        """Ask for an answer; it and any error come to the sink, never from this function."""
        ...

    async def count_input_tokens(self, request: ModelRequest) -> int | None:
        """Count the tokens that the dialogue would be read as; None when the upstream can't tell."""
        ...

    async def check(self) -> str:
        """Tell what is wrong with the upstream, in a sentence; empty when nothing is."""
        ...
