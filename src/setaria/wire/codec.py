"""Codec: what every protocol offers to the gateway, as a server to its callers."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from setaria.core.answer import Answer
from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError
from setaria.core.events import Event, FinishReason, Saying
from setaria.core.ids import CallId
from setaria.core.protocol import ProtocolName
from setaria.core.traits import Traits
from setaria.core.usage import Usage
from setaria.wire.frame import Frame


class Envelope(msgspec.Struct, frozen=True):
    """A request's body, read just far enough to know which model is meant and whether a stream is wanted.

    `fields` are the body's top-level fields, each as its JSON bytes; of a field given twice the last one counts.
    """

    model: str
    stream: bool
    fields: Mapping[str, msgspec.Raw]


class AnswerHead(msgspec.Struct, frozen=True):
    """What an answer says of itself before the model has said anything.

    `model` is the public id. `input_tokens_estimate` is shown where a protocol wants a count at the start.
    `sign` makes the signature of a thinking block from its SHA-256 digest.
    """

    call_id: CallId
    model: str
    created_at_ms: int
    input_tokens_estimate: int
    sign: Callable[[bytes], str]


class StreamWriter(Protocol):
    """Writes one answer as server-sent events.

    Order: `open` once; `write` any number of times; then `close` or `fail`, once.
    """

    def open(self) -> bytes:
        """Write what comes before the first event."""
        ...

    def write(self, event: Event) -> bytes:
        """Write one event; empty when the protocol shows nothing for it yet."""
        ...

    def frame(self, delta: Saying) -> Frame | None:
        """Give what stands around the text of more deltas like this; None where one would write more than that now."""
        ...

    def close(self) -> bytes:
        """Write what comes after the last event, up to the protocol's own end mark."""
        ...

    def fail(self, error: SetariaError) -> bytes:
        """Write the error in-band and end the stream as the protocol does after an error."""
        ...


class Joiner(Protocol):
    """Puts a relayed stream together as the whole answer that its caller waits for.

    Order: `add` any number of times; then `close`, once. Neither ever fails: what can't be read is passed over.
    """

    def add(self, events: bytes) -> None:
        """Take the next events of the stream, each of them whole."""
        ...

    def close(self, usage: Usage, reason: FinishReason | None) -> bytes:
        """Give the whole answer as one JSON body.

        Takes: usage, what the call took, shown where the server told none; reason, why the answer ends where it does,
        in place of what the server said: then this usage is shown in any case.
        """
        ...


class Codec(Protocol):
    """One protocol."""

    name: ProtocolName
    keep_alive: bytes
    """What may be written into a stream at any moment to show that it lives; it means nothing."""
    known_fields: frozenset[str]
    """The top-level fields of a request that the platform reads."""

    def read_envelope(self, body: bytes) -> Envelope:
        """Read which model is meant.

        Raises: InvalidRequest when the body is no JSON object (the message says where) or lacks a model.
        """
        ...

    def read_dialogue(self, envelope: Envelope, traits: Traits) -> Dialogue:
        """Read the whole request for a model with these traits, its defaults filled in and limits clamped.

        Raises: InvalidRequest, whose message and `param` name the field and what is allowed.
        """
        ...

    def write_answer(self, head: AnswerHead, answer: Answer) -> bytes:
        """Write a whole answer as one JSON body."""
        ...

    def open_stream(self, head: AnswerHead) -> StreamWriter:
        """Start writing an answer as a stream."""
        ...

    def open_joiner(self, head: AnswerHead) -> Joiner:
        """Start to put a relayed stream together as a whole answer; ids and unknown fields stay the server's."""
        ...

    def write_error(self, error: SetariaError, call_id: CallId) -> tuple[int, bytes]:
        """Give an error's HTTP status and JSON body."""
        ...

    def write_error_event(self, error: SetariaError, call_id: CallId) -> bytes:
        """Write an error as the last event of a stream that was relayed, or in which nothing was said yet."""
        ...
