"""Condense: a conversation that is too long for the model, made shorter in fixed steps.

Coding agents send prompts of 50 KB to a model that reads 8,192 tokens. Each step cuts more than the one before, and
the first that fits is taken: system text and tools first, then all older texts. What the user said last is never cut:
if that alone is too long, the conversation does not fit.

    step  system text  tool description  older texts  tools
    1     4,000        200               whole        all
    2     1,000        80                whole        all
    3     1,000        80                2,000        all
    4     500          40                400          32
    5     200          0                 100          8

(in characters; a text keeps its beginning and, for a third, its end)
"""

from collections.abc import Iterator
from dataclasses import dataclass

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
    older_chars: int
    tools: int


_STEPS = (
    Step(4_000, 200, _WHOLE, _WHOLE),
    Step(1_000, 80, _WHOLE, _WHOLE),
    Step(1_000, 80, 2_000, _WHOLE),
    Step(500, 40, 400, 32),
    Step(200, 0, 100, 8),
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
    asked = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
    shorter = [_condense_message(message, step.older_chars, index == asked) for index, message in enumerate(messages)]
    system = system_text(dialogue)
    if system:
        shorter.insert(0, Message("system", (Text(shorten(system, step.system_chars)),)))
    named = [tool for tool in dialogue.tools if tool.name == dialogue.tool_choice.name]
    others = [tool for tool in dialogue.tools if tool.name != dialogue.tool_choice.name]
    tools = tuple(_condense_tool(tool, step.tool_chars) for tool in (named + others)[: step.tools])
    return msgspec.structs.replace(dialogue, messages=tuple(shorter), tools=tools)


def _condense_message(message: Message, chars: int, is_asked: bool) -> Message:  # noqa: FBT001 - a fact of the message, no switch
    """Shorten a message; of what the user asked last, the last text stays whole."""
    texts = [index for index, block in enumerate(message.blocks) if isinstance(block, Text)]
    kept = texts[-1] if is_asked and texts else -1
    blocks = [block if index == kept else _condense_block(block, chars) for index, block in enumerate(message.blocks)]
    return msgspec.structs.replace(message, blocks=tuple(blocks))


def _condense_block(block: Block, chars: int) -> Block:
    match block:
        case Text() | Reasoning():
            return msgspec.structs.replace(block, text=shorten(block.text, chars))
        case ToolResult():
            content = tuple(
                Text(shorten(part.text, chars)) if isinstance(part, Text) else part for part in block.content
            )
            return msgspec.structs.replace(block, content=content)
        case ToolCall():
            return msgspec.structs.replace(block, arguments=_condense_arguments(block.arguments, chars))
        case Image() | Opaque():
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


def _condense_tool(tool: Tool, chars: int) -> Tool:
    """Keep a tool's name, the beginning of its description, and of its parameters what a caller must know."""
    schema = json_object(tool.parameters) or {}
    properties = schema.get("properties")
    brief: dict[str, Json] = {"type": "object", "properties": {}, "required": schema.get("required", [])}
    if isinstance(properties, dict):
        brief["properties"] = {name: _condense_parameter(parameter) for name, parameter in properties.items()}
    return Tool(tool.name, tool.description[:chars], msgspec.json.encode(brief), tool.strict)


def _condense_parameter(parameter: Json) -> Json:
    if not isinstance(parameter, dict):
        return parameter
    return {key: parameter[key] for key in _KEPT_OF_PARAMETER if key in parameter}
