"""Answers held to their form, whatever the model would rather write."""

import dataclasses
import json
import time
from typing import Any

import msgspec
import pytest

from setaria.adapters.upstreams.local.engine.guide import Guides
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.core.dialogue import Dialogue, ResponseFormat, Tool, ToolChoice
from setaria.core.errors import InvalidRequest
from tests.adapters.upstreams.local.engine.wandering import asking, calls_of, read, reasoning_of, text_of, wander

SEEDS = range(30)
HERMES = "<think> <tool_call> {name, arguments}"
PROPERTIES: dict[str, Any] = {
    "place": {"type": "string"},
    "days": {"type": "integer", "minimum": 1, "maximum": 14},
    "ratio": {"type": "number"},
    "exact": {"type": "boolean"},
    "unit": {"type": "string", "enum": ["celsius", "fahrenheit", '20 " \\ é']},
    "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 3},
    "range": {"$ref": "#/$defs/range"},
    "note": {"type": ["string", "null"]},
    "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    "colour": {"allOf": [{"$ref": "#/$defs/colour"}]},
    "level": {"enum": [1, 2, 3]},
    "size": {"anyOf": [{"$ref": "#/$defs/colour"}, {"type": "null"}]},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": PROPERTIES,
    "required": ["place", "days", "unit"],
    "$defs": {
        "colour": {"type": "string", "enum": ["red", "green"]},
        "range": {
            "type": "object",
            "properties": {"from": {"type": "integer"}, "to": {"type": "integer"}},
            "required": ["from", "to"],
            "additionalProperties": False,
        },
    },
}
ODD_NAMES = ["f", "get.weather/v2:now", 'say "hi"\\', "天气 é 🦊", "x" * 128, "mcp__server__tool-name", "{a|b}*?"]
FORECAST = Tool("forecast", "", json.dumps(SCHEMA).encode())
CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}


def tool(name: str, properties: dict[str, Any], required: list[str]) -> Tool:
    """Make a tool of these parameters."""
    return Tool(
        name,
        "",
        json.dumps(
            {"type": "object", "properties": properties, "required": required, "$defs": SCHEMA["$defs"]}
        ).encode(),
    )


def is_valid(arguments: dict[str, Any]) -> bool:
    """Tell whether a call of FORECAST has all it needs, nothing else, and values of the right types."""
    checks = {
        "place": lambda value: isinstance(value, str),
        "days": lambda value: type(value) is int and 1 <= value <= 14,
        "ratio": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "exact": lambda value: isinstance(value, bool),
        "unit": lambda value: value in PROPERTIES["unit"]["enum"],
        "tags": lambda value: len(value) <= 3 and set(value) <= {"a", "b"},
        "range": lambda value: set(value) == {"from", "to"},
        "note": lambda value: value is None or isinstance(value, str),
        "limit": lambda value: value is None or type(value) is int,
        "colour": lambda value: value in ("red", "green"),
        "level": lambda value: value in (1, 2, 3),
        "size": lambda value: value in ("red", "green", None),
    }
    return set(SCHEMA["required"]) <= set(arguments) and all(checks[name](value) for name, value in arguments.items())


def as_hermes(model: LocalModel) -> LocalModel:
    """Give the model a chat template that names calls in JSON."""
    return dataclasses.replace(model, template=HERMES)


@pytest.mark.parametrize("syntax", ["xml", "json"])
@pytest.mark.parametrize("thinking", [True, False])
def test_every_call_is_valid(model: LocalModel, syntax: str, thinking: bool) -> None:
    """Whatever is drawn, each call names an offered tool and has all required arguments, each of its type."""
    speaking = model if syntax == "xml" else as_hermes(model)
    guides = Guides(speaking)
    dialogue = msgspec.structs.replace(
        asking(FORECAST, Tool("stop", ""), thinking=thinking), tool_choice=ToolChoice("required")
    )
    whole = 0
    for seed in SEEDS:
        output, ended = wander(speaking, dialogue, seed, guides)
        events = read(dialogue, output, ended=ended)
        calls = calls_of(events)
        whole += ended
        for call in calls if ended else calls[:-1]:
            arguments = json.loads(call.arguments)
            assert (call.name, arguments) == ("stop", {}) or (call.name == "forecast" and is_valid(arguments))
        assert (text_of(events).strip(), output.startswith("<think>")) == ("", thinking)
        assert len(calls) >= ended
    assert whole > len(SEEDS) // 2


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("syntax", ["xml", "json"])
def test_odd_tool_names_come_back(model: LocalModel, name: str, syntax: str) -> None:
    """A tool's name may hold any printable character."""
    speaking = model if syntax == "xml" else as_hermes(model)
    dialogue = msgspec.structs.replace(asking(Tool(name, "")), tool_choice=ToolChoice("named", name, parallel=False))
    output, ended = wander(speaking, dialogue, 1)
    assert [(call.name, call.arguments) for call in calls_of(read(dialogue, output, ended=ended))] == [(name, "{}")]


def test_a_name_that_the_syntax_cannot_carry_is_not_called(model: LocalModel) -> None:
    """In XML a tool with `>` in its name is left out; where it must be called, that is told."""
    odd, plain = Tool("a>b", ""), Tool("plain", "")
    dialogue = msgspec.structs.replace(asking(odd, plain), tool_choice=ToolChoice("required", parallel=False))
    output, ended = wander(model, dialogue, 1)
    assert [call.name for call in calls_of(read(dialogue, output, ended=ended))] == ["plain"]
    named = msgspec.structs.replace(dialogue, tool_choice=ToolChoice("named", "a>b"))
    with pytest.raises(InvalidRequest, match="tool_choice"):
        Guides(model).open(named, inside_thinking=False)


@pytest.mark.parametrize(
    "choice,least,most",
    [
        (ToolChoice("none"), 0, 0),
        (ToolChoice("auto", parallel=False), 0, 1),
        (ToolChoice("required", parallel=False), 1, 1),
        (ToolChoice("named", "b", parallel=False), 1, 1),
    ],
)
def test_tool_choice_is_kept(model: LocalModel, choice: ToolChoice, least: int, most: int) -> None:
    """None forbids calls, required and named force one, and without parallel calls there is at most one."""
    guides = Guides(model)
    dialogue = msgspec.structs.replace(asking(Tool("a", ""), Tool("b", "")), tool_choice=choice)
    for seed in SEEDS:
        output, ended = wander(model, dialogue, seed, guides)
        calls = calls_of(read(dialogue, output, ended=ended))
        assert least <= len(calls) <= most
        assert choice.mode != "named" or calls[0].name == "b"


@pytest.mark.parametrize("tools", [(), (FORECAST,)])
@pytest.mark.parametrize("thinking", [True, False])
def test_thinking_is_obeyed(model: LocalModel, tools: tuple[Tool, ...], thinking: bool) -> None:
    """An answer begins with one think block where thinking is on, and has none where it is off."""
    guides = Guides(model)
    dialogue = asking(*tools, thinking=thinking)
    for seed in SEEDS:
        output, ended = wander(model, dialogue, seed, guides)
        marks = [output.count(mark) for mark in ("<think>", "</think>", "<tools>", "</tools>")]
        events = read(dialogue, output, ended=ended)
        if thinking:
            assert (output.startswith("<think>"), marks[2:]) == (True, [0, 0])
        else:
            assert (marks, reasoning_of(events)) == ([0, 0, 0, 0], "")


def test_output_that_starts_within_thinking_is_closed_once(model: LocalModel) -> None:
    """Where the prompt opened the think block, the answer closes it before anything else may come."""
    guide = Guides(model).open(asking(thinking=True), inside_thinking=True)
    for word in ("a", "</think>", "b"):
        guide.take(model.vocabulary.encode(word)[0])
    assert guide.is_over is False


def test_models_without_think_marks_just_answer(model: LocalModel) -> None:
    """Thinking asked of a model whose template knows none changes nothing."""
    plain = dataclasses.replace(model, template="{{ messages }}")
    output, _ = wander(plain, asking(FORECAST, thinking=True), 3)
    assert ("<think>" in output, "<tool_call>" in output) == (False, False)
    forced = msgspec.structs.replace(asking(FORECAST), tool_choice=ToolChoice("required"))
    with pytest.raises(InvalidRequest, match="tool_choice"):
        Guides(plain).open(forced, inside_thinking=False)


@pytest.mark.parametrize("choice", [ToolChoice(), ToolChoice("required"), ToolChoice("named", "forecast")])
def test_a_begun_answer_is_not_thought_about(model: LocalModel, choice: ToolChoice) -> None:
    """It goes on with text and calls, or with the calls that were demanded, held to their form as ever."""
    guides = Guides(model)
    dialogue = msgspec.structs.replace(asking(FORECAST, thinking=True), tool_choice=choice, continues=True)
    for seed in SEEDS:
        output, ended = wander(model, dialogue, seed, guides)
        events = read(dialogue, output, ended=ended)
        calls = calls_of(events)
        assert ("<think>" in output, reasoning_of(events)) == (False, "")
        assert choice.mode == "auto" or text_of(events).strip() == ""
        assert choice.mode == "auto" or len(calls) >= ended
        for call in calls if ended else calls[:-1]:
            assert is_valid(json.loads(call.arguments))


FORMS: list[tuple[dict[str, Any] | None, type]] = [
    (None, dict),
    ({**CLOSED, "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}, dict),
    ({"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 4}, list),
    ({"enum": ["yes", "no"]}, str),
    ({"type": "string", "pattern": "^[a-z]{2,4}$"}, str),
]


def answering(schema: dict[str, Any] | None, *, thinking: bool = False) -> Dialogue:
    """Make a dialogue that asks for JSON."""
    form = ResponseFormat("json_object")
    if schema is not None:
        form = ResponseFormat("json_schema", json.dumps(schema).encode())
    return msgspec.structs.replace(asking(thinking=thinking), response_format=form)


@pytest.mark.parametrize("schema,kind", FORMS)
@pytest.mark.parametrize("thinking", [True, False])
def test_json_answers_are_json(model: LocalModel, schema: dict[str, Any] | None, kind: Any, thinking: bool) -> None:
    """An answer asked for as JSON is that and nothing else, after the thinking."""
    guides = Guides(model)
    dialogue = answering(schema, thinking=thinking)
    whole = 0
    for seed in SEEDS:
        output, ended = wander(model, dialogue, seed, guides)
        whole += ended
        if ended:
            value: Any = json.loads(text_of(read(dialogue, output, ended=True)))
            assert isinstance(value, kind)
            assert schema is None or kind is not dict or (type(value["a"]) is int and set(value) <= {"a", "b"})
    assert whole > len(SEEDS) // 3


@pytest.mark.parametrize("schema", [None, {**CLOSED, "properties": {"a": {"type": "integer"}}}])
@pytest.mark.parametrize("tools", [(), (FORECAST,)])
def test_json_that_was_begun_is_told(model: LocalModel, schema: dict[str, Any] | None, tools: tuple[Tool, ...]) -> None:
    """A grammar cannot start in the middle, so the form is refused; demanded calls have no such form."""
    dialogue = msgspec.structs.replace(answering(schema), tools=tools, continues=True)
    with pytest.raises(InvalidRequest, match="leave out that message"):
        Guides(model).open(dialogue, inside_thinking=False)
    demanded = msgspec.structs.replace(dialogue, tools=(FORECAST,), tool_choice=ToolChoice("required"))
    assert Guides(model).open(demanded, inside_thinking=False).is_over is False


def nested(levels: int) -> dict[str, Any]:
    """Give a schema with so many objects within each other."""
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"type": "integer", "minimum": 5, "maximum": 3}, r"response_format: its schema cannot be followed: Unsatis"),
    ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    ({"type": "string", "pattern": "(?=x)y"}, "regex"),
    ({"$ref": "https://example.com/a"}, "example.com"),
    ({"type": "quux"}, "quux"),
    (nested(300), "nested too deeply"),
]


@pytest.mark.parametrize("schema,reason", IMPOSSIBLE)
def test_an_impossible_schema_is_told(model: LocalModel, schema: dict[str, Any], reason: str) -> None:
    """A schema that nothing can satisfy, or that cannot be enforced, is refused with its reason."""
    with pytest.raises(InvalidRequest, match=reason):
        Guides(model).open(answering(schema), inside_thinking=False)


def test_the_tool_at_fault_is_named(model: LocalModel) -> None:
    """Of several tools the one whose parameters are impossible is named; keywords that are only unknown pass."""
    bad = tool("bad", {"a": {"type": "integer", "minimum": 5, "maximum": 3}}, ["a"])
    odd = tool("odd", {"a": {"type": "array", "uniqueItems": True, "x-mine": 1}}, ["a"])
    Guides(model).open(asking(FORECAST, odd), inside_thinking=False)
    with pytest.raises(InvalidRequest, match="parameters of bad cannot be followed: Unsatisfiable"):
        Guides(model).open(asking(FORECAST, bad), inside_thinking=False)


def test_a_schema_that_is_no_object_is_told(model: LocalModel) -> None:
    """`true` is a schema, but none that can be asked for."""
    dialogue = msgspec.structs.replace(asking(), response_format=ResponseFormat("json_schema", b"true"))
    with pytest.raises(InvalidRequest, match="response_format"):
        Guides(model).open(dialogue, inside_thinking=False)


@pytest.mark.parametrize("parameters", [b"", b"{", b"[]", b"true", b'{"properties": 3, "required": "x"}'])
def test_a_tool_without_readable_parameters_takes_none(model: LocalModel, parameters: bytes) -> None:
    """A tool whose schema says nothing of use is called without arguments."""
    dialogue = msgspec.structs.replace(
        asking(Tool("f", "", parameters)), tool_choice=ToolChoice("required", parallel=False)
    )
    output, ended = wander(model, dialogue, 1)
    assert [call.arguments for call in calls_of(read(dialogue, output, ended=ended))] == ["{}"]


def test_a_hundred_tools_are_compiled_once(model: LocalModel) -> None:
    """The grammar of a hundred tools is kept: the second call with them waits for no compiling."""
    guides = Guides(model)
    tools = [tool(f"tool_{index}", PROPERTIES | {f"x{index}": {"type": "integer"}}, ["place"]) for index in range(100)]
    guides.open(asking(*tools), inside_thinking=False)
    start = time.monotonic()
    guides.open(asking(*tools), inside_thinking=False)
    assert time.monotonic() - start < 5


def test_only_so_many_grammars_are_kept(model: LocalModel) -> None:
    """However many grammars are asked for, the compiled ones that are kept stay few."""
    guides = Guides(model)
    for index in range(40):
        guides.open(asking(Tool(f"f{index}", "")), inside_thinking=False)
    assert len(guides._compiled) == 8
