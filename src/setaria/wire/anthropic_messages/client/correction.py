"""Correction: rewrites what must not reach the caller as the model server sent it, and leaves all else as it is."""

from collections.abc import Sequence

import msgspec

from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.usage import correct_usage
from setaria.wire.loose import read_fields

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


def _correct(fields: dict[str, msgspec.Raw], required: Sequence[str], truth: Usage) -> dict[str, msgspec.Raw] | None:
    """Give the fields with a corrected `usage`; None when it needs no correction."""
    given = _read_value(fields["usage"]) if "usage" in fields else None
    usage = correct_usage(given, required, truth)
    return None if usage is None else fields | {"usage": msgspec.Raw(_encode(usage))}
