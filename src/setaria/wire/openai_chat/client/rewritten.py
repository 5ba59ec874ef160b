"""Rewritten: a chunk of a relayed stream, or a whole answer, written again where callers could not take it as it came.

All that is to be changed is changed at once, so that one change never undoes another; what is not changed keeps its
bytes.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from setaria.wire.loose import read_fields

Fields = dict[str, msgspec.Raw]

_object = msgspec.json.Decoder(Fields)
_objects = msgspec.json.Decoder(list[Fields])
_FIRST = frozenset({b"0", b"null", b'"0"', b"0.0"})


class ShownCall(msgspec.Struct, frozen=True, gc=False):
    """How a piece of a tool call is shown: its index and id; None: as it came; an empty id: without one."""

    index: int | None = None
    id: str | None = None


class Changes(msgspec.Struct, frozen=True, gc=False):
    """What is changed: top-level fields, the tool calls of the one choice, and reasoning under the name `reasoning`."""

    fields: Fields
    calls: Sequence[ShownCall] = ()
    thought: str = ""

    @property
    def are_any(self) -> bool:
        """Whether anything is changed."""
        return bool(self.fields or self.calls or self.thought)


def rewrite(data: bytes, part: Literal["delta", "message"], changes: Changes) -> bytes:
    """Write what was read as a chunk or a whole answer again, with these changes."""
    fields = read_fields(data) | changes.fields
    if changes.calls or changes.thought:
        choices = _objects.decode(fields["choices"])
        choice = next(choice for choice in choices if bytes(choice.get("index", b"0")) in _FIRST)
        message = _object.decode(choice[part])
        if changes.calls:
            message["tool_calls"] = _rewrite_calls(message["tool_calls"], changes.calls)
        if changes.thought:
            message["reasoning_content"] = message.pop("reasoning")
        choice[part] = raw(message)
        fields["choices"] = raw(choices)
    return msgspec.json.encode(fields)


def raw(value: object) -> msgspec.Raw:
    """Write a value."""
    return msgspec.Raw(msgspec.json.encode(value))


def _rewrite_calls(told: msgspec.Raw, shown: Sequence[ShownCall]) -> msgspec.Raw:
    calls = _objects.decode(told)
    for call, change in zip(calls, shown, strict=True):
        if change.index is not None:
            call["index"] = raw(change.index)
        if change.id:
            call["id"] = raw(change.id)
        elif change.id is not None:
            del call["id"]
    return raw(calls)
