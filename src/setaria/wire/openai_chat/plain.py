"""Plain: reads messages and tools of the forms that nearly all requests have, at once and in C.

What is read here is read as `messages` and `tools` read it. What is of another form, or wrong, is not read here at all:
they read it field by field, and know what to say of it.
"""

from typing import Annotated, Literal

import msgspec

from setaria.core.dialogue import Block, Message, Reasoning, Text, Tool, ToolCall, ToolResult
from setaria.wire.turns import MOST_MESSAGES

MAX_NAME_CHARS = 128

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
_ToolName = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
_ABSENT = msgspec.Raw(b"null")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Part(msgspec.Struct, frozen=True, gc=False):
    type: Literal["text"]
    text: str


class _Function(msgspec.Struct, frozen=True, gc=False):
    name: NonEmpty
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True, gc=False):
    id: NonEmpty
    function: _Function


class PlainMessage(msgspec.Struct, frozen=True, gc=False):
    """One entry of `messages`."""

    role: Literal["developer", "system", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[_Call] | None = None
    reasoning_content: str | None = None
    reasoning: object = None


class _ToolFunction(msgspec.Struct, frozen=True, gc=False):
    name: _ToolName
    description: str | None = None
    parameters: msgspec.Raw = _ABSENT
    strict: bool | None = None


class PlainTool(msgspec.Struct, frozen=True, gc=False):
    """One entry of `tools`."""

    type: Literal["function"]
    function: _ToolFunction


_messages = msgspec.json.Decoder(list[PlainMessage])
_tools = msgspec.json.Decoder(list[PlainTool])


class Turns(msgspec.Struct, frozen=True, gc=False):
    """The messages of a dialogue; `has_variants` as `Dialogue` has it."""

    messages: tuple[Message, ...]
    has_variants: bool


def read_plain_messages(raw: msgspec.Raw) -> Turns | None:
    """Read `messages` whose content is text; None when they are none, or of another form.

    Cost: 0.5 us a message, and 1 us for 2 KB of text.
    """
    try:
        read = _messages.decode(raw)
    except UNREADABLE:
        return None
    return turns_from_plain(read)


def turns_from_plain(read: list[PlainMessage]) -> Turns | None:
    """Give the dialogue's messages; None when they are none, too many, or of another form after all."""
    if len(read) > MOST_MESSAGES:
        return None
    turns: list[Message] = []
    has_variants = False
    for each in read:
        role = each.role
        if role == "assistant":
            turns.append(Message(role, _read_answer(each), each.name or ""))
        elif role == "developer":
            has_variants = True
            turns.append(Message("system", _read_content(each), each.name or ""))
        elif role != "tool":
            content = each.content  # nearly always one text
            said = (Text(content),) if isinstance(content, str) and content else _read_content(each)
            turns.append(Message(role, said, each.name or ""))
        elif each.tool_call_id:
            result = ToolResult(each.tool_call_id, _read_content(each))
            turns.append(Message("tool", (result,), each.name or ""))
        else:
            return None
        if each.reasoning_content is not None:
            has_variants = True
    return Turns(tuple(turns), has_variants) if turns else None


def _read_content(message: PlainMessage) -> tuple[Text, ...]:
    """Give what a message says, without empty texts."""
    content = message.content
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple([Text(part.text) for part in content if part.text]) if content else ()


def _read_answer(message: PlainMessage) -> tuple[Block, ...]:
    content = _read_content(message)
    thought = message.reasoning_content or message.reasoning
    calls = message.tool_calls
    if not thought and not calls:
        return content
    blocks: list[Block] = [Reasoning(thought)] if thought and isinstance(thought, str) else []
    blocks += content
    for call in calls or ():
        function = call.function
        blocks.append(ToolCall(call.id, function.name, "{}" if function.arguments is None else function.arguments))
    return tuple(blocks)


def read_plain_tools(raw: msgspec.Raw) -> tuple[Tool, ...] | None:
    """Read `tools` that are all functions, each of another name; None when there are none, or others."""
    try:
        read = _tools.decode(raw)
    except UNREADABLE:
        return None
    return tools_from_plain(read)


def tools_from_plain(read: list[PlainTool]) -> tuple[Tool, ...] | None:
    """Give the dialogue's tools; None when two have one name, or one is of another form after all."""
    tools: dict[str, Tool] = {}
    for each in read:
        function = each.function
        schema = bytes(function.parameters)
        if schema == b"null":
            schema = b""
        elif not schema.startswith(b"{") or b"\\u" in schema:  # a half character in it is found by who looks into it
            return None
        if not function.name.isprintable():
            return None
        tools[function.name] = Tool(function.name, function.description or "", schema, function.strict or False)
    return tuple(tools.values()) if len(tools) == len(read) else None
