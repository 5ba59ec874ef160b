"""Condense: a conversation that is too long for the model, made shorter in fixed steps.

Coding agents send prompts of 50 KB to a model that reads 8,192 tokens, and that keeps its wits over fewer. Each step
cuts more than the one before: system text and tools first, then all older texts. What the user said last is never cut,
nor the beginning of an answer that is to go on.

    step  system text  tool description  parameters  older texts  tools
    1     4,000        200               all         whole        all
    2     1,000        80                all         whole        all
    3     1,000        80                all         2,000        all
    4     500          40                all         400          all
    5     300          0                 required    200          all
    6     100          0                 required    100          16

(in characters; a text keeps its beginning and, for a third, its end)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from setaria.adapters.upstreams.local.engine.template import Json, json_object, system_text
from setaria.core.dialogue import Block, Dialogue, Image, Message, Opaque, Reasoning, Text, Tool, ToolCall, ToolResult

_WHOLE = 2**31
_CUT = "\n[...]\n"
_KEPT_OF_PARAMETER = ("type", "enum")


@dataclass(frozen=True, slots=True)
class Step:
    """How much is kept, in characters, and of how many tools."""

    system_chars: int
    tool_chars: int
    parameters: Literal["all", "required"]
    older_chars: int
    tools: int


_STEPS = (
    Step(4_000, 200, "all", _WHOLE, _WHOLE),
    Step(1_000, 80, "all", _WHOLE, _WHOLE),
    Step(1_000, 80, "all", 2_000, _WHOLE),
    Step(500, 40, "all", 400, _WHOLE),
    Step(300, 0, "required", 200, _WHOLE),
    Step(100, 0, "required", 100, 16),
)


def condensed_versions(dialogue: Dialogue) -> Iterator[Dialogue]:
    """Give the dialogue as it is and then ever shorter, leaving out steps that change nothing."""
    yield dialogue
    previous = dialogue
    for step in _STEPS:
        version = _condense(dialogue, step)
        if version != previous:
            yield version
        previous = version


def shorten(text: str, chars: int) -> str:
    """Cut the middle out of a text so that about `chars` characters are left, two thirds of them at the beginning."""
    if len(text) <= chars + len(_CUT):
        return text
    end = chars // 3
    return f"{text[: chars - end]}{_CUT}{text[len(text) - end :]}"


def _condense(dialogue: Dialogue, step: Step) -> Dialogue:
    messages = [message for message in dialogue.messages if message.role != "system"]
    question = _find_question(messages)
    begun = [messages.pop()] if dialogue.continues else []
    shorter = [_condense_message(message, step.older_chars, question) for message in messages] + begun
    system = system_text(dialogue)
    if system:
        shorter.insert(0, Message("system", (Text(shorten(system, step.system_chars)),)))
    named = [tool for tool in dialogue.tools if tool.name == dialogue.tool_choice.name]
    others = [tool for tool in dialogue.tools if tool.name != dialogue.tool_choice.name]
    tools = tuple(_condense_tool(tool, step) for tool in (named + others)[: step.tools])
    return msgspec.structs.replace(dialogue, messages=tuple(shorter), tools=tools)


def _find_question(messages: list[Message]) -> Text | None:
    """Find the last text of the user's last message."""
    asked = next((message for message in reversed(messages) if message.role == "user"), None)
    texts = [block for block in asked.blocks if isinstance(block, Text)] if asked else []
    return texts[-1] if texts else None


def _condense_message(message: Message, chars: int, question: Text | None) -> Message:
    """Shorten a message's blocks, all but the question."""
    blocks = [block if block is question else _condense_block(block, chars) for block in message.blocks]
    return msgspec.structs.replace(message, blocks=tuple(blocks))


def _condense_block(block: Block, chars: int) -> Block:
    match block:
        case Text() | Reasoning() | Opaque():
            return msgspec.structs.replace(block, text=shorten(block.text, chars))
        case ToolResult():
            content = tuple(
                part if isinstance(part, Image) else msgspec.structs.replace(part, text=shorten(part.text, chars))
                for part in block.content
            )
            return msgspec.structs.replace(block, content=content)
        case ToolCall():
            return msgspec.structs.replace(block, arguments=_condense_arguments(block.arguments, chars))
        case Image():
            return block


def _condense_arguments(text: str, chars: int) -> str:
    """Shorten the texts among a call's arguments, or all of it where it is no JSON object."""
    if len(text) <= chars:
        return text
    arguments = json_object(text.encode())
    if arguments is None:
        return shorten(text, chars)
    shorter = {name: shorten(value, chars) if isinstance(value, str) else value for name, value in arguments.items()}
    return msgspec.json.encode(shorter).decode()


def _condense_tool(tool: Tool, step: Step) -> Tool:
    """Keep a tool's name, the beginning of its description, and of its parameters what a caller must know."""
    schema = json_object(tool.parameters) or {}
    properties, required = schema.get("properties"), schema.get("required")
    must_keep = required if isinstance(required, list) else []
    kept: dict[str, Json] = {}
    if isinstance(properties, dict):
        is_brief = step.parameters == "required"
        names = [name for name in properties if name in must_keep or not is_brief]
        kept = {name: _condense_parameter(properties[name]) for name in names}
    brief = {"type": "object", "properties": kept, "required": must_keep}
    return Tool(tool.name, tool.description[: step.tool_chars], msgspec.json.encode(brief), tool.strict)


def _condense_parameter(parameter: Json) -> Json:
    if not isinstance(parameter, dict):
        return parameter
    return {key: parameter[key] for key in _KEPT_OF_PARAMETER if key in parameter}
