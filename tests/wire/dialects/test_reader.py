"""Reader: when events come, which ids calls have, and how reasoning tokens are counted."""

import pytest

from setaria.core.dialogue import Tool
from setaria.core.events import ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart
from setaria.wire.dialects.reader import DialectReader
from tests.wire.dialects.reading import TOOLS, Part, merge, tool


def reader_of(tools: tuple[Tool, ...] = TOOLS) -> DialectReader:
    """Make a reader of an output that starts outside of thinking."""
    return DialectReader(tools, thinking=True, inside_thinking=False)


def test_text_is_given_at_once() -> None:
    """Text waits only where it may be the beginning of a mark."""
    reader = reader_of()
    fed = [reader.feed(piece) for piece in ("Hello", " wor", "ld <", "b> <tool", "box> a")]
    assert fed == [
        [TextDelta("Hello")],
        [TextDelta(" wor")],
        [TextDelta("ld ")],
        [TextDelta("<b> ")],
        [TextDelta("<toolbox> a")],
    ]


def test_reasoning_is_given_at_once() -> None:
    """Reasoning waits only for white space that its end may drop."""
    reader = reader_of()
    fed = [reader.feed(piece) for piece in ("<think>", "\n", "a", "\n", "b", "</think>")]
    assert fed == [[], [], [ReasoningDelta("a")], [], [ReasoningDelta("\nb")], []]


def test_a_string_argument_is_given_while_it_comes_in() -> None:
    """A call begins with its first argument's name, and a string's text follows as it comes."""
    reader = reader_of()
    pieces = ("<tool_call>\n<function=store>\n<parameter=text>", "\none", ' "two"\n', "three", "\n</parameter>\n")
    fed = [reader.feed(piece) for piece in (*pieces, "</function>")]
    assert isinstance(fed[0][0], ToolCallStart)
    assert [fed[0][1:], *fed[1:]] == [
        [ToolCallDelta(0, '{"text": "')],
        [ToolCallDelta(0, "one")],
        [ToolCallDelta(0, ' \\"two\\"')],
        [ToolCallDelta(0, "\\nthree")],
        [ToolCallDelta(0, '"')],
        [ToolCallDelta(0, "}")],
    ]


def test_calls_have_ids_of_their_own() -> None:
    """Each call has another id, in the platform's form, and the calls are counted."""
    reader = reader_of()
    events = reader.feed("<tool_call><function=a></function><function=b></function></tool_call>")
    starts = [event for event in events if isinstance(event, ToolCallStart)]
    assert [(start.index, start.name) for start in starts] == [(0, "a"), (1, "b")]
    assert len({start.id for start in starts if start.id.startswith("call_")}) == 2
    assert reader.calls == 2


def test_reasoning_tokens_are_those_between_the_marks() -> None:
    """Tokens count as reasoning from the opening mark to the closing one, both included."""
    reader = reader_of()
    for piece in ("\n", "<think>", "a", " b", "</think>", "\n\n", "c"):
        reader.feed(piece, 1)
    assert reader.reasoning_tokens == 4


def test_a_call_ends_the_reasoning_tokens() -> None:
    """Tokens of a call inside the reasoning count as reasoning only until it is known to be one."""
    reader = reader_of()
    for piece in ("<think>", "a", "<tool_call>", "<function=store>", "<parameter=text>", "x", "</parameter>"):
        reader.feed(piece, 1)
    assert reader.reasoning_tokens == 5


@pytest.mark.parametrize(
    "schema,expected",
    [
        (b"", '{"a": 5}'),
        (b"no JSON", '{"a": 5}'),
        (b'{"type": "object"}', '{"a": 5}'),
        (b'{"properties": {"a": true}}', '{"a": 5}'),
        (b'{"properties": {"a": {"type": 7}}}', '{"a": 5}'),
        (b'{"properties": {"a": {"type": ["string"]}}}', '{"a": "5"}'),
        (b'{"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}', '{"a": "5"}'),
        (b'{"properties": {"a": {"oneOf": [{"type": "integer"}, {"type": "array"}]}}}', '{"a": 5}'),
    ],
)
def test_schemas_of_all_kinds(schema: bytes, expected: str) -> None:
    """A schema that says nothing of an argument, or can't be read, leaves its type to its value."""
    reader = reader_of((Tool("f", parameters=schema),))
    events = reader.feed("<tool_call><function=f><parameter=a>5</parameter></function></tool_call>")
    assert merge(events) == [("call", "f", expected)]


@pytest.mark.parametrize("raw,expected", [('{"b": 1}', '{"b": 1}'), ("[1]", '"[1]"'), ("x", '"x"')])
def test_an_argument_that_may_be_a_string_or_an_object(raw: str, expected: str) -> None:
    """Where a string is allowed, only what the other types allow is anything else."""
    reader = reader_of((tool("f", a={"type": ["string", "object"]}),))
    events = reader.feed(f"<tool_call><function=f><parameter=a>{raw}</parameter></function></tool_call>")
    parts: list[Part] = [("call", "f", f'{{"a": {expected}}}')]
    assert merge(events) == parts
