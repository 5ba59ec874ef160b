"""Upstream codec: what a protocol offers to us as a client of a model server that speaks it."""

from collections.abc import Collection
from typing import Literal, Protocol

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import CallerError, UpstreamError
from setaria.core.events import Event, Saying
from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from setaria.wire.codec import Envelope
from setaria.wire.mould import Mould

ThinkingStyle = Literal[
    "thinking_type", "chat_template_kwargs", "enable_thinking", "reasoning_effort", "anthropic", "none"
]
Header = tuple[bytes, bytes]


class Manner(msgspec.Struct, frozen=True):
    """How one deployment wants to be asked: the model's name there, how thinking is switched, which unknown top-level
    fields of the caller may cross. `own_signers` are the ids of the secrets that our own signatures are made with.
    """

    model: str
    thinking_style: ThinkingStyle
    pass_fields: Collection[str] = ()
    own_signers: Collection[str] = ()


class EventReader(Protocol):
    """Reads a streamed answer.

    Order: `feed` any number of times, then `close`, once. After one `Finish` and one `UsageReport` nothing comes any
    more; a server that reports no usage gives no `UsageReport`.

    `mould` is the form of events of which each says one more text, as `like` does, and may pass by unread; None where
    the next bytes must be read. `said_tokens` estimates the output so far; whoever lets events pass adds theirs.
    """

    mould: Mould | None
    said_tokens: int

    @property
    def doubt(self) -> str:
        """The counts told that can't be true; empty when there are none."""
        ...

    @property
    def like(self) -> Saying:
        """What the mould's events are like; only where there is a mould."""
        ...

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes of the body, however they were split.

        Raises: UpstreamError when the server tells an error in-band or says what is no legal answer; CallerError when
        that error is the caller's to mend, such as ContextOverflow.
        """
        ...

    def close(self) -> list[Event]:
        """Take the news that the body has ended.

        Raises: UpstreamCut when the answer had no finish reason yet.
        """
        ...


class RelayReader(Protocol):
    """Reads along while a streamed answer is relayed as it is.

    `usage` is the last the server told, corrected, None before; `meaningful`: content, reasoning, a tool call or a
    finish reason was seen, so the answer can no longer be asked for elsewhere; `finished`: a finish reason was seen;
    `said_tokens` estimates the output so far by counting the events that hold some; `mould` and `doubt` as
    `EventReader` has them.
    """

    mould: Mould | None

    usage: Usage | None
    meaningful: bool
    finished: bool
    said_tokens: int
    doubt: str

    def feed(self, data: bytes) -> bytes:
        """Take bytes and give those to send on: the same ones, but for the model's name and what is odd (a usage that
        can't be true, two tool calls of one index), which is rewritten, and an event that is not whole yet, which is
        kept back. So is what comes from the finish reason on: `close` gives it.

        Raises: UpstreamError, CallerError when the server tells an error in-band.
        Cost: hot path; under 2 us an event.
        """
        ...

    def close(self) -> bytes:
        """Take the news that the body has ended; gives what is still to be sent, an estimate of the usage where the
        server told none.

        Raises: UpstreamCut when the answer had no finish reason yet.
        """
        ...


class UpstreamCodec(Protocol):
    """One protocol, seen from the client's side."""

    name: ProtocolName
    path: str

    def headers(self, key: str) -> tuple[Header, ...]:
        """Give the headers that say who asks and in which version; none for the key when it is empty."""
        ...

    def write_request(self, dialogue: Dialogue, manner: Manner, *, stream: bool) -> bytes:
        """Write a dialogue that came in another protocol."""
        ...

    def rewrite_request(self, envelope: Envelope, dialogue: Dialogue, manner: Manner) -> bytes:
        """Write a request that came in this protocol: its own bytes, with only the necessary fields changed.

        Changed are the model's name, the clamped limit of tokens, how thinking is switched, forced sampling, (OpenAI)
        `stream_options.include_usage`, and (Anthropic) thinking and messages of the system that servers refuse. Where
        the envelope wants a stream, one is asked for, whatever its fields say. Top-level fields that the platform does
        not know are dropped, unless `manner.pass_fields` names them.
        """
        ...

    def open_reader(self, dialogue: Dialogue) -> EventReader:
        """Start reading a streamed answer as events."""
        ...

    def read_answer(self, body: bytes, dialogue: Dialogue) -> list[Event]:
        """Read a whole answer as events.

        Raises: UpstreamFailed when it is no legal answer.
        """
        ...

    def open_relay(self, model: str, input_tokens: int) -> RelayReader:
        """Start reading along a streamed answer that is relayed; `model` is the public id that the caller sees."""
        ...

    def relay_answer(self, body: bytes, model: str, dialogue: Dialogue) -> tuple[bytes, Usage | None, int]:
        """Read a whole answer that is relayed; `model` is the public id that the caller sees.

        Gives: the bytes to send on (the same, but for the model's name and a usage that is odd or missing), the usage
        told, without output where that was not, and an estimate of the output tokens.
        Raises: UpstreamFailed when it is no legal answer.
        """
        ...

    def read_error(self, status: int, body: bytes, retry_after_s: int | None) -> UpstreamError | CallerError:
        """Say what an answer with an error status means for us and for the caller.

        401 and 403 are the operator's affair and never look like the caller's key; 429 is UpstreamBusy; context
        overflow is ContextOverflow with both numbers where they can be read; other 400, 404, 413, 421 and 422 are
        InvalidRequest with the server's own words, cut to 500 characters, without anything that looks like a key; 5xx
        is UpstreamFailed.
        """
        ...
