"""Shapes: what a model server sends, read as far as it matters here.

Every field may be absent and most may be null, for servers differ; what a field must be is judged where it is used.
"""

from typing import TypeVar

import msgspec

from setaria.core.errors import UpstreamFailed
from setaria.wire.half_characters import HalfCharacters, replace_lone_halves
from setaria.wire.loose import read_loosely

T = TypeVar("T")

_END_MARK = b"[DONE]"  # of the OpenAI protocol; some servers end every stream with it
_KINDS = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    }
)
_SHOWN_CHARACTERS = 60


class ContentBlock(msgspec.Struct, frozen=True):
    """A block of an answer, whole or as it begins."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()

    @property
    def lacks_id(self) -> bool:
        """Whether it is a call that nobody can answer, for it has no id."""
        return self.type == "tool_use" and not self.id


class Delta(msgspec.Struct, frozen=True):
    """More of a block, or how the message ended."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None

    @property
    def said(self) -> str:
        """What the model says with it; empty for a signature, a citation and the like."""
        return self.text or self.thinking or self.partial_json or ""


class MessageHead(msgspec.Struct, frozen=True):
    """The beginning of a message."""

    usage: object = None


class StreamEvent(msgspec.Struct, frozen=True):
    """The data of any event."""

    type: str | None = None
    index: int | None = None
    message: MessageHead | None = None
    content_block: ContentBlock | None = None
    delta: Delta | None = None
    usage: object = None
    error: object = None

    @property
    def plain_text(self) -> tuple[str, str]:
        """The key and the text of a delta that says one text and nothing else; both empty for any other event."""
        delta = self.delta
        if delta is None or delta.signature or delta.stop_reason:
            return "", ""
        texts = (("text", delta.text), ("thinking", delta.thinking), ("partial_json", delta.partial_json))
        said = [(key, text) for key, text in texts if text]
        return said[0] if len(said) == 1 else ("", "")


class WholeMessage(msgspec.Struct, frozen=True):
    """A whole answer, or an error in its place."""

    content: list[ContentBlock] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: object = None
    error: object = None


class _Kind(msgspec.Struct, frozen=True):
    type: str | None = None


_event = msgspec.json.Decoder(StreamEvent)
_message = msgspec.json.Decoder(WholeMessage)
_kind = msgspec.json.Decoder(_Kind)
_any = msgspec.json.Decoder(object)


def read_event(name: str, data: bytes, halves: HalfCharacters | None = None) -> tuple[str, StreamEvent]:
    """Read an event and its kind; empty for a kind that is not known, whose fields are not looked at.

    An event that tells an error without saying so is one, too.

    Takes: halves, where half a character may come with this event and the rest with the next.
    Raises: UpstreamFailed when it is malformed.
    Cost: 0.5 us for a delta.
    """
    if data == _END_MARK or (not data and name != "error"):
        return "", StreamEvent()
    try:
        event = _event.decode(data)
    except (ValueError, RecursionError) as error:
        kind = _read_kind(name, data)
        if kind and kind not in _KINDS:
            return "", StreamEvent()
        odd = _read_odd(data if halves is None else halves.join(data), StreamEvent)
        if odd is None:
            raise UpstreamFailed(f"the model server sent a malformed {kind or 'event'}") from error
        event = odd
    kind = event.type or ("error" if event.error is not None else name)
    return kind if kind in _KINDS else "", event


def _read_odd(data: bytes, shape: type[T]) -> T | None:
    """Read what has lone halves of characters, or values of other types than the protocol says; None for any other."""
    try:
        return read_loosely(_any.decode(replace_lone_halves(data)), shape)
    except (ValueError, RecursionError):
        return None


def _read_kind(name: str, data: bytes) -> str:
    """Read the kind of an event that is malformed otherwise, cut to what can be shown; empty when it can't be read."""
    try:
        return (_kind.decode(data).type or name)[:_SHOWN_CHARACTERS]
    except (ValueError, RecursionError):
        return ""


def read_message(body: bytes) -> WholeMessage:
    """Read a whole answer.

    Raises: UpstreamFailed when it is malformed.
    """
    try:
        return _message.decode(body)
    except (ValueError, RecursionError) as error:
        odd = _read_odd(body, WholeMessage)
        if odd is None:
            raise UpstreamFailed("the model server's answer is no message of the Anthropic protocol") from error
        return odd
