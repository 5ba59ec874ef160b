"""Correction: rewrites what must not reach the caller as the model server sent it, and leaves all else as it is."""

from collections.abc import Sequence

import msgspec

from setaria.core.ids import new_tool_call_id
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.shapes import ContentBlock
from setaria.wire.anthropic_messages.client.usage import correct_usage
from setaria.wire.loose import read_fields

_read_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_block = msgspec.json.Decoder(ContentBlock).decode
_read_value = msgspec.json.Decoder().decode
_NULL, _EMPTY = msgspec.Raw(b"null"), msgspec.Raw(b"{}")
_encode = msgspec.json.Encoder().encode


def correct_message(message: msgspec.Raw, model: str, required: Sequence[str], truth: Usage) -> bytes:
    """Give a message the public name of its model, and the truth where its usage is odd."""
    fields = read_fields(message)
    fields["model"] = msgspec.Raw(_encode(model))
    return _encode(_correct(fields, required, truth) or fields)


def correct_message_start(data: bytes, model: str, required: Sequence[str], truth: Usage) -> bytes:
    """Do the same to the message within the data of a `message_start`."""
    fields = read_fields(data)
    given = fields.get("message", _NULL)
    message = _EMPTY if bytes(given) == bytes(_NULL) else given
    fields["message"] = msgspec.Raw(correct_message(message, model, required, truth))
    return _encode(fields)


def correct_message_delta(data: bytes, required: Sequence[str], truth: Usage) -> bytes | None:
    """Give the data of a `message_delta` with the truth in place of odd usage; None when there is none."""
    fields = _correct(read_fields(data), required, truth)
    return None if fields is None else _encode(fields)


def move_block(data: bytes, place: int | None) -> bytes:
    """Give the data of a block's event with another index."""
    return _encode(read_fields(data) | {"index": msgspec.Raw(_encode(place))})


def identify_call(data: bytes) -> bytes:
    """Give the data of a call's `content_block_start` with an id of ours."""
    fields = read_fields(data)
    return _encode(fields | {"content_block": _with_id(fields["content_block"])})


def identify_calls(message: bytes) -> bytes:
    """Give an id of ours to each call of a whole message that has none."""
    fields = read_fields(message)
    blocks = [_with_id(raw) if _read_block(raw).lacks_id else raw for raw in _read_list(fields["content"])]
    return _encode(fields | {"content": msgspec.Raw(_encode(blocks))})


def _with_id(block: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(_encode(read_fields(block) | {"id": msgspec.Raw(_encode(new_tool_call_id()))}))


def _correct(fields: dict[str, msgspec.Raw], required: Sequence[str], truth: Usage) -> dict[str, msgspec.Raw] | None:
    """Give the fields with a corrected `usage`; None when it needs no correction."""
    given = _read_value(fields["usage"]) if "usage" in fields else None
    usage = correct_usage(given, required, truth)
    return None if usage is None else fields | {"usage": msgspec.Raw(_encode(usage))}
