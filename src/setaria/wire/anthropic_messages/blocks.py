"""Blocks: reads the content blocks of a message."""

from collections.abc import Mapping

import msgspec

from setaria.core.dialogue import Block, Image, Opaque, Reasoning, Role, Text, ToolCall, ToolResult
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.anthropic_messages.documents import read_plain_text
from setaria.wire.capability import require_capability
from setaria.wire.fields import (
    Fields,
    is_string,
    optional_boolean,
    optional_string,
    present,
    read_list,
    read_object,
    read_string,
    required_choice,
    required_object,
    required_string,
)

_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp")
_URL_SCHEMES = ("https", "http", "data")
_ALLOWED = "a string or an array of blocks"

# Blocks that mean something in one role only; all others may stand in each.
_ROLE_OF: Mapping[str, Role] = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
}


def read_blocks(raw: msgspec.Raw, path: str, role: Role, traits: Traits) -> tuple[Block, ...]:
    """Read content, which is a string or an array of blocks; empty text gives no block.

    A block of a kind that is not known is kept as it is, one of a document with the text that it brings.

    Raises: InvalidRequest, which names the field at fault, also for a picture that the model can't take.
    """
    if is_string(raw):
        text = read_string(raw, path)
        return (Text(text),) if text else ()
    items = read_list(raw, path, _ALLOWED)
    blocks = tuple(_read_block(item, f"{path}.{at}", role, traits) for at, item in enumerate(items))
    return tuple(block for block in blocks if block != Text(""))


def _read_block(raw: msgspec.Raw, path: str, role: Role, traits: Traits) -> Block:
    fields = read_object(raw, path)
    kind = required_string(fields, "type", f"{path}.type")
    rightful = _ROLE_OF.get(kind, role)
    if rightful != role:
        raise InvalidRequest(
            f"{path} is a {kind} block in a message of role {role}; it belongs in one of role {rightful}", param=path
        )
    match kind:
        case "thinking":
            return _read_thinking(fields, path)
        case "tool_use":
            return _read_tool_use(fields, path)
        case "tool_result":
            return _read_tool_result(fields, path, traits)
        case _:
            return _read_part(raw, fields, path, traits)


def _read_part(raw: msgspec.Raw, fields: Fields, path: str, traits: Traits) -> Text | Image | Opaque:
    """Read a block that may stand in a message and in a tool's result."""
    kind = required_string(fields, "type", f"{path}.type")
    match kind:
        case "text":
            return Text(_read_text(fields, kind, f"{path}.text"))
        case "image":
            require_capability(traits, "image", path)
            return _read_image(required_object(fields, "source", f"{path}.source"), f"{path}.source")
        case _:
            return Opaque(kind, bytes(raw), read_plain_text(kind, raw))


def _read_text(fields: Fields, name: str, path: str) -> str:
    """Read a string that must be there but may be empty."""
    raw = present(fields, name)
    if raw is None:
        raise InvalidRequest(f"{path} is missing; it must be a string", param=path)
    return read_string(raw, path)


def _read_thinking(fields: Fields, path: str) -> Reasoning:
    """Read what the model thought; the signature may be absent, empty or somebody else's."""
    text = _read_text(fields, "thinking", f"{path}.thinking")
    return Reasoning(text, optional_string(fields, "signature", f"{path}.signature"))


def _read_image(source: Fields, path: str) -> Image:
    if required_choice(source, "type", f"{path}.type", ("base64", "url")) == "base64":
        media_type = required_choice(source, "media_type", f"{path}.media_type", _MEDIA_TYPES)
        return Image(data=required_string(source, "data", f"{path}.data"), media_type=media_type)
    url = required_string(source, "url", f"{path}.url")
    if url.partition(":")[0].lower() not in _URL_SCHEMES:
        place = f"{path}.url"
        raise InvalidRequest(f"{place} must be an https, http or data URL; local files can't be read", param=place)
    return Image(url=url)


def _read_tool_use(fields: Fields, path: str) -> ToolCall:
    """Read a call that the model made; an input that is absent or null is an empty one."""
    call_id = required_string(fields, "id", f"{path}.id")
    name = required_string(fields, "name", f"{path}.name")
    raw = present(fields, "input")
    if raw is None:
        return ToolCall(call_id, name, "{}")
    read_object(raw, f"{path}.input")
    return ToolCall(call_id, name, bytes(raw).decode())


def _read_tool_result(fields: Fields, path: str, traits: Traits) -> ToolResult:
    """Read what a tool gave back. Some clients change ids on their way, so none is held against the calls made."""
    call_id = required_string(fields, "tool_use_id", f"{path}.tool_use_id")
    is_error = optional_boolean(fields, "is_error", f"{path}.is_error") or False
    raw = present(fields, "content")
    place = f"{path}.content"
    if raw is None:
        return ToolResult(call_id, (), is_error)
    if is_string(raw):
        return ToolResult(call_id, (Text(read_string(raw, place)),), is_error)
    parts = []
    for at, item in enumerate(read_list(raw, place, _ALLOWED)):
        path_of_part = f"{place}.{at}"
        parts.append(_read_part(item, read_object(item, path_of_part), path_of_part, traits))
    return ToolResult(call_id, tuple(parts), is_error)
