"""Family: a tool with the ways in which people ask for it, and one question made of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from setaria.core.dialogue import Tool
from training.generate import noise
from training.generate.draw import Draw
from training.generate.sample import Value
from training.generate.values import draw_value, spoken

_OPTIONAL = re.compile(r"(\[[^\]]*\])")
_ARGUMENT = re.compile(r"\{(\w+)(?:=(true|false))?\}")
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("`", "`"))
_END_QUOTED = re.compile(r'"(\{\w+\})"$')


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: the kind of its values, its JSON schema, and whether it must be given."""

    name: str
    kind: str
    schema: Mapping[str, Value]
    is_required: bool


@dataclass(frozen=True, slots=True)
class Family:
    """A tool and its wordings; `origin` tells families apart that are the same under other names.

    Of a composed tool: its verb, its noun, and which of both another tool may share that is offered beside it.
    """

    origin: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    wordings: tuple[str, ...]
    verb: str = ""
    noun: str = ""
    shareable: tuple[str, ...] = ()

    def tool(self) -> Tool:
        """Give the tool as it is offered to the model."""
        schema: dict[str, Value] = {
            "type": "object",
            "properties": {parameter.name: dict(parameter.schema) for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters if parameter.is_required],
        }
        return Tool(self.name, self.description, json.dumps(schema, ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks, and the call that it means."""

    text: str
    name: str
    arguments: dict[str, Value]


def ask(draw: Draw, family: Family) -> Request:
    """Make a question for a family with values drawn for it; optional ones come in half of the cases."""
    values = {parameter.name: _value(draw, parameter) for parameter in family.parameters}
    wording = draw.one(family.wordings)
    used: dict[str, Value] = {}
    text = "".join(
        _fill(draw, part[1:-1] if part.startswith("[") else part, values, used)
        for part in _OPTIONAL.split(_with_quotes(draw, wording))
        if not part.startswith("[") or draw.chance(0.5)
    )
    if wording[:1].islower():
        text = noise.dress_order(draw, text)
    arguments = {parameter.name: used[parameter.name] for parameter in family.parameters if parameter.name in used}
    if not wording.startswith("{"):  # a value in front keeps its capital letter
        text = noise.frame(draw, text)
    return Request(text, family.name, arguments)


def _value(draw: Draw, parameter: Parameter) -> Value:
    choices = parameter.schema.get("enum")
    if isinstance(choices, list):
        return draw.one(choices)
    if parameter.kind == "boolean":
        return True
    return draw_value(draw, parameter.kind)


def _with_quotes(draw: Draw, wording: str) -> str:
    """Choose the marks that stand round a text; at the end of a wording they may be missing."""
    if '"' not in wording:
        return wording
    turn = draw.random.random()
    if turn < 0.12 and wording.count('"') == 2:
        return _END_QUOTED.sub(r"\1", wording)
    opening, closing = _QUOTES[0] if turn < 0.75 else draw.one(_QUOTES)
    return re.sub(r'"(\{\w+\})"', rf"{opening}\1{closing}", wording)


def _fill(draw: Draw, part: str, values: Mapping[str, Value], used: dict[str, Value]) -> str:
    """Write the values into a part of a wording and note in `used` which were named."""
    text, end = "", 0
    for found in _ARGUMENT.finditer(part):
        literal = part[end : found.start()]
        text += noise.misspell(draw, literal) if draw.chance(0.03) else literal
        name, flag = found[1], found[2]
        used[name] = flag == "true" if flag else values[name]
        text += "" if flag else spoken(draw, values[name])
        end = found.end()
    return text + part[end:]
