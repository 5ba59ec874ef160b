"""Thinking: switches thinking on or off in the way that a deployment wants to be told."""

from collections.abc import Mapping
from typing import assert_never

import msgspec

from setaria.wire.fields import Fields, is_object, present
from setaria.wire.upstream_codec import ThinkingStyle

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TRUE, _FALSE = msgspec.Raw(b"true"), msgspec.Raw(b"false")
_NONE, _MEDIUM = msgspec.Raw(b'"none"'), msgspec.Raw(b'"medium"')
_ENABLED, _DISABLED = msgspec.Raw(b'"enabled"'), msgspec.Raw(b'"disabled"')


def write_thinking(style: ThinkingStyle, asked: Fields, *, thinking: bool) -> Mapping[str, msgspec.Raw]:
    """Give the top-level fields that switch thinking.

    Takes: asked, the caller's own fields that may cross; what they say beside on and off is kept: `budget_tokens` in
    `thinking`, an effort, other template arguments, and `enable_thinking` where the caller may set it directly.
    """
    switch = _TRUE if thinking else _FALSE
    match style:
        case "thinking_type":
            return {"thinking": _object({**_read(asked, "thinking"), "type": _ENABLED if thinking else _DISABLED})}
        case "chat_template_kwargs":
            return {style: _object({"enable_thinking": switch, **_read(asked, style)})}
        case "enable_thinking":
            return {style: switch}
        case "reasoning_effort":
            effort = present(asked, style) or _MEDIUM
            return {style: _NONE if not thinking else _MEDIUM if effort == _NONE else effort}
        case "anthropic" | "none":
            return {}
        case _:
            assert_never(style)


def _read(asked: Fields, name: str) -> Fields:
    raw = present(asked, name)
    return _fields.decode(raw) if raw is not None and is_object(raw) else {}


def _object(fields: Fields) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(fields))
