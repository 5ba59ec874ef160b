"""Reading: runs a transcript through the reader, in any pieces, and tells in plain tuples what it said."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from setaria.core.dialogue import Tool
from setaria.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart
from setaria.wire.dialects.reader import DialectReader

Part = tuple[str, ...]


def tool(name: str, **types: object) -> Tool:
    """Make a tool whose arguments have these schemas; a plain text is short for a type."""
    properties = {key: {"type": value} if isinstance(value, str) else value for key, value in types.items()}
    return Tool(name, parameters=json.dumps({"type": "object", "properties": properties}).encode())


TOOLS = (
    tool("get_weather", city="string", unit="string", days="integer"),
    tool(
        "store",
        text="string",
        count="integer",
        ratio="number",
        flag="boolean",
        data="object",
        rows="array",
        nothing="null",
        maybe={"type": ["string", "null"]},
    ),
)


class Output(NamedTuple):
    """One output of a model, and in which circumstances."""

    text: str
    tools: tuple[Tool, ...] = TOOLS
    thinking: bool = True
    inside_thinking: bool = False
    inside_answer: bool = False
    was_cut: bool = False


def events_of(output: Output, pieces: Iterable[str]) -> list[Event]:
    """Read the output in these pieces."""
    reader = DialectReader(
        output.tools,
        thinking=output.thinking,
        inside_thinking=output.inside_thinking,
        inside_answer=output.inside_answer,
    )
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece, 1)
    events += reader.cut() if output.was_cut else reader.close()
    return events


def merge(events: Sequence[Event]) -> list[Part]:
    """Put neighbours together and leave ids out: `("reasoning", ...)`, `("text", ...)`, `("call", name, arguments)`.

    A delta of a call that is not the latest fails, and so does an empty one.
    """
    parts: list[Part] = []
    calls = 0
    for event in events:
        match event:
            case ReasoningDelta(text) | TextDelta(text):
                assert text != ""
                kind = "reasoning" if isinstance(event, ReasoningDelta) else "text"
                if parts and parts[-1][0] == kind:
                    parts[-1] = (kind, parts[-1][1] + text)
                else:
                    parts.append((kind, text))
            case ToolCallStart(index, _, name):
                assert index == calls
                calls += 1
                parts.append(("call", name, ""))
            case ToolCallDelta(index, fragment):
                assert (index, fragment != "", parts[-1][0]) == (calls - 1, True, "call")
                _, name, arguments = (*parts[-1], "")[:3]
                parts[-1] = ("call", name, arguments + fragment)
            case _:
                raise AssertionError(f"a reader gives no {type(event).__name__}")
    return parts
