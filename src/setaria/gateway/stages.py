"""Stages: the records that a call passes through; each holds the one before, so that none can be skipped."""

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.usage import CountsFrom, Usage
from setaria.domain.accounts.records import Caller
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.records import CallRecord, Ending
from setaria.domain.routing.ports import Upstream
from setaria.wire.codec import Codec, StreamWriter


class Received(msgspec.Struct, frozen=True):
    """The request's head. `credentials` are the values of all credential headers, `Bearer ` taken off."""

    call_id: CallId
    codec: Codec
    credentials: tuple[str, ...]
    at_ms: int
    started_s: float


class Identified(msgspec.Struct, frozen=True):
    """It is known whose call it is."""

    received: Received
    caller: Caller


class Asked(msgspec.Struct, frozen=True):
    """The request was read and is good."""

    identified: Identified
    model: Model
    dialogue: Dialogue
    stream: bool


class Routed(msgspec.Struct, frozen=True):
    """It is known who answers, and under which name the model is known there."""

    asked: Asked
    upstream: Upstream
    upstream_model: str


class Reply(msgspec.Struct, frozen=True):
    """The upstream's answer is over, one way or another, and the client still lacks its last bytes.

    `writer` is the stream already begun, None when nothing was sent yet. `unsent` are those last bytes: of the stream,
    all but what `writer.close` gives, or the whole body that goes with `status`. `error` says what went wrong, None
    when nothing did.
    """

    routed: Routed
    ending: Ending
    status: int
    usage: Usage
    counts_from: CountsFrom
    first_token_ms: int | None
    writer: StreamWriter | None
    unsent: bytes
    error: SetariaError | None


class Receipt(msgspec.Struct, frozen=True):
    """The call is on the books for good; `is_late` when the client was told before that it could not be settled."""

    reply: Reply
    record: CallRecord
    is_late: bool
