"""Stages: the records that a call passes through; each holds the one before, so that none can be skipped."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.protocol import Lane
from setaria.core.usage import CountsFrom, Usage
from setaria.domain.accounts.records import Caller
from setaria.domain.catalog.model import Deployment, Model
from setaria.domain.ledger.records import CallRecord, Ending
from setaria.gateway.hold import Hold
from setaria.wire.codec import Codec, Envelope

_NO_FIELDS: Mapping[str, msgspec.Raw] = MappingProxyType({})


class Received(msgspec.Struct, frozen=True):
    """The request's head. `credentials` are the values of all credential headers, `Bearer ` taken off.

    `session` is the fingerprint of the session that the client names in a header, None when it names none. `parent` is
    the header `traceparent` as it came, empty without one. `lane` is that of the address that was called, `peer` the
    client's own address.
    """

    call_id: CallId
    codec: Codec
    credentials: tuple[str, ...]
    at_ms: int
    started_s: float
    session: bytes | None = None
    parent: bytes = b""
    lane: Lane = "payg"
    peer: str = ""


class Identified(msgspec.Struct, frozen=True):
    """It is known whose call it is."""

    received: Received
    caller: Caller


class Asked(msgspec.Struct):
    """The request was read and is good; `input_tokens` estimates its prompt.

    Unlike all other stages it is edited, once: what was asked may be long, and a stream may be, too.
    """

    identified: Identified
    model: Model
    envelope: Envelope
    dialogue: Dialogue
    input_tokens: int

    @property
    def stream(self) -> bool:
        """Whether the answer is wanted as a stream."""
        return self.envelope.stream

    def forget_prompt(self) -> None:
        """Let go of what was asked; nobody can be asked again."""
        self.envelope = Envelope(self.envelope.model, self.envelope.stream, _NO_FIELDS)
        self.dialogue = msgspec.structs.replace(self.dialogue, messages=(), tools=())


class Admitted(msgspec.Struct, frozen=True):
    """The call may begin: what it needs is in its hold. `price_id` names the price that it pays, empty: nothing."""

    asked: Asked
    hold: Hold
    price_id: str = ""


class Routed(msgspec.Struct, frozen=True):
    """It is known who is asked first, for what was admitted.

    `session` keeps a conversation at one deployment, None when nothing tells it.
    """

    admitted: Admitted
    asked: Asked
    deployment: Deployment
    session: bytes | None


class Tail(Protocol):
    """The end of a stream that has begun; either is called once."""

    def close(self) -> bytes:
        """Give the last bytes of an answer that is whole."""
        ...

    def fail(self, error: SetariaError) -> bytes:
        """Give the last bytes of one that is not."""
        ...


class Reply(msgspec.Struct, frozen=True):
    """The upstream's answer is over, one way or another, and the client still lacks its last bytes.

    `tail` is the end of the stream already begun, None when nothing was sent yet. `unsent` are those last bytes: of the
    stream, all but what `tail` gives, or the whole body that goes with `status`. `error` says what went wrong, None
    when nothing did. `said_tokens` is our own count of the output that was seen. `doubt` names the upstream's
    counts that can't be true, empty when there are none.
    """

    routed: Routed
    upstream: str
    attempts: int
    ending: Ending
    status: int
    usage: Usage
    counts_from: CountsFrom
    said_tokens: int
    first_token_ms: int | None
    tail: Tail | None
    unsent: bytes
    error: SetariaError | None
    doubt: str = ""


class Settled(msgspec.Struct, frozen=True):
    """The call is on the books for good, or as good as that."""

    reply: Reply
    record: CallRecord
