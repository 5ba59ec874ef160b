"""Messages: reads the turns of the conversation.

Lenient where clients differ: content may be null or absent, keys that are not known are ignored, and a turn that
lacks the reasoning it had is no error.
"""

from collections.abc import Mapping

import msgspec

from setaria.core.dialogue import Block, Message, Reasoning, Role, ToolCall, ToolResult
from setaria.core.traits import Traits
from setaria.wire.fields import (
    Fields,
    is_object,
    is_string,
    optional_list,
    optional_string,
    present,
    read_object,
    read_string,
    required_choice,
    required_object,
    required_string,
)
from setaria.wire.openai_chat.parts import read_content
from setaria.wire.openai_chat.plain import Turns, read_plain_messages
from setaria.wire.turns import read_turns

_ROLES: Mapping[str, Role] = {
    "developer": "system",
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_DEVELOPER, _THOUGHT = b'"developer"', b'"reasoning_content"'


def read_messages(fields: Fields, traits: Traits) -> Turns:
    """Read all turns.

    Raises: InvalidRequest.
    """
    raw = present(fields, "messages")
    plain = None if raw is None else read_plain_messages(raw)
    return plain or read_any_messages(fields, traits)


def read_any_messages(fields: Fields, traits: Traits) -> Turns:
    """Read all turns, whatever their form.

    Raises: InvalidRequest.
    """
    messages = tuple(_read_message(item, f"messages[{index}]", traits) for index, item in enumerate(read_turns(fields)))
    raw = bytes(fields["messages"])
    return Turns(messages, _DEVELOPER in raw or _THOUGHT in raw)


def _read_message(raw: msgspec.Raw, path: str, traits: Traits) -> Message:
    fields = read_object(raw, path)
    role = _ROLES[required_choice(fields, "role", f"{path}.role", tuple(_ROLES))]
    content = read_content(fields, path, traits)
    blocks: tuple[Block, ...] = content
    if role == "tool":
        blocks = (ToolResult(required_string(fields, "tool_call_id", f"{path}.tool_call_id"), content),)
    elif role == "assistant":
        blocks = (*_read_reasoning(fields, path), *content, *_read_tool_calls(fields, path))
    return Message(role, blocks, optional_string(fields, "name", f"{path}.name"))


def _read_reasoning(fields: Fields, path: str) -> tuple[Reasoning, ...]:
    """Read what the model thought; `reasoning` is another name for it, where that is text."""
    text = optional_string(fields, "reasoning_content", f"{path}.reasoning_content")
    other = present(fields, "reasoning")
    if not text and other is not None and is_string(other):
        text = read_string(other, f"{path}.reasoning")
    return (Reasoning(text),) if text else ()


def _read_tool_calls(fields: Fields, path: str) -> tuple[ToolCall, ...]:
    place = f"{path}.tool_calls"
    items = optional_list(fields, "tool_calls", place)
    return tuple(_read_tool_call(item, f"{place}[{index}]") for index, item in enumerate(items))


def _read_tool_call(raw: msgspec.Raw, path: str) -> ToolCall:
    fields = read_object(raw, path)
    function = required_object(fields, "function", f"{path}.function")
    return ToolCall(
        id=required_string(fields, "id", f"{path}.id"),
        name=required_string(function, "name", f"{path}.function.name"),
        arguments=_read_arguments(function, f"{path}.function.arguments"),
    )


def _read_arguments(function: Fields, path: str) -> str:
    """Read the JSON text of the arguments; some clients send the object itself, or nothing for no arguments."""
    raw = present(function, "arguments")
    if raw is None:
        return "{}"
    return bytes(raw).decode() if is_object(raw) else read_string(raw, path, "a string of JSON")
