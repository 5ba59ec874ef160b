"""Ports: what routing needs from outside."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.entries import Timeouts
from setaria.core.errors import CallerError, InternalError, UpstreamError
from setaria.core.events import Event, Saying
from setaria.core.ids import CallId
from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from setaria.wire.codec import Envelope
from setaria.wire.mould import Mould
from setaria.wire.shortcut import Shortcut
from setaria.wire.upstream_codec import Manner

Failure = UpstreamError | CallerError | InternalError
"""Why no more of an answer comes. A defect of ours is one, too, and tells nothing of the upstream."""


class ModelRequest(msgspec.Struct, frozen=True):
    """What is asked of an upstream: a dialogue for one of its models.

    `manner` is how the deployment wants to be asked; None: by `model`, with nothing said about thinking. `timeouts`
    None: the upstream's own. `shown_model` is the public id that a relayed answer names instead of the upstream's own,
    `input_tokens` the estimate of the prompt for an upstream that does not count.
    """

    call_id: CallId
    model: str
    dialogue: Dialogue
    stream: bool = True
    manner: Manner | None = None
    timeouts: Timeouts | None = None
    shown_model: str = ""
    input_tokens: int = 0


class Sink(Protocol):
    """Takes an answer while it comes in. Calls come from the event loop, in order, and must not block.

    What `shortcut` lets pass need not be told. It must be closed before anything is told the sink, which `follow` may
    open again.
    """

    shortcut: Shortcut

    def receive(self, events: Sequence[Event]) -> None:
        """Take the next events; after one with a `UsageReport` nothing follows."""
        ...

    def follow(self, mould: Mould, like: Saying) -> None:
        """Take the form of the events that come next, most likely, and what they are like."""
        ...

    def fail(self, error: Failure) -> None:
        """Take the news that no more events come; a CallerError when the request can't be served, such as
        ContextOverflow or InvalidRequest.
        """
        ...


class RelaySink(Protocol):
    """Takes an answer in the caller's own protocol while it comes in, as bytes to send on as they are.

    Calls come from the event loop, in order, and must not block. Until the first `receive` nothing that means something
    has come, and another upstream may be asked. `shortcut` as `Sink` has it.
    """

    shortcut: Shortcut

    def follow(self, mould: Mould) -> None:
        """Take the form of the events that come next, most likely; after what came before was told."""
        ...

    def receive(self, data: bytes) -> None:
        """Take more of a stream: whole events."""
        ...

    def finish(self, last: bytes, usage: Usage | None, said_tokens: int) -> None:
        """Take the news that the answer is whole.

        Takes: last, what is still to be sent: the stream's end, or a whole answer; usage, what the upstream says it
        took, None when it does not say, without output where it told the input alone; said_tokens, an estimate of its
        output tokens.
        """
        ...

    def fail(self, error: Failure) -> None:
        """Take the news that no more comes; a CallerError when the request can't be served."""
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

    def doubt(self) -> str:
        """Name the counts of the upstream's that can't be true, to be looked at; empty when it told none."""
        ...


class RelayAttempt(Attempt, Protocol):
    """One request under way whose answer is relayed."""

    @property
    def said_tokens(self) -> int:
        """Estimate the output tokens so far, for a call that ends early."""
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


class RelayUpstream(Protocol):
    """A model server that speaks a protocol of our callers, and can be asked in it."""

    protocol: ProtocolName

    def relay(self, envelope: Envelope, request: ModelRequest, sink: RelaySink) -> RelayAttempt:
        """Ask for an answer in the caller's own protocol; its bytes and any error come to the sink.

        The request may want a stream where the envelope does not; a server that gives none then gives a whole answer.
        """
        ...
