"""Properties: what holds for every output, however odd."""

import json

from hypothesis import example, given, settings, strategies

from tests.wire.dialects.reading import TOOLS, Output, Part, events_of, merge

WORDS = [f"w{number:03}" for number in range(200)]
FRAGMENTS = [
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<function=",
    "<function=store>",
    "</function>",
    "<parameter=",
    "<parameter=text>",
    "<parameter=data>",
    "</parameter>",
    '{"name": "store", "arguments": {"a": "',
    '{"name": "',
    '", "arguments": {"a": "',
    '"}}',
    "}",
    '"',
    "\\",
    "<",
    ">",
    "\n",
    " ",
    *["WORD"] * 6,
]


def numbered(fragments: list[str]) -> str:
    """Put fragments together, each word another one."""
    words = iter(WORDS)
    return "".join(next(words) if fragment == "WORD" else fragment for fragment in fragments)


odd_texts = strategies.lists(strategies.sampled_from(FRAGMENTS), max_size=40).map(numbered)
odd_outputs = strategies.builds(
    Output,
    text=odd_texts,
    tools=strategies.sampled_from([TOOLS, ()]),
    thinking=strategies.booleans(),
    inside_thinking=strategies.booleans(),
    was_cut=strategies.booleans(),
)


def said(parts: list[Part]) -> str:
    """Put everything together that was read."""
    return "\n".join(text for part in parts for text in part[1:])


@settings(max_examples=400, deadline=None)
@given(output=odd_outputs, step=strategies.integers(1, 9))
def test_pieces_make_no_difference(output: Output, step: int) -> None:
    """Any output read in pieces says the same as read at once."""
    pieces = [output.text[start : start + step] for start in range(0, len(output.text), step)]
    assert merge(events_of(output, pieces)) == merge(events_of(output, [output.text]))


@settings(max_examples=400, deadline=None)
@given(output=odd_outputs)
@example(output=Output("<tool_call><function=store><parameter=text>w000</parameter>w001", was_cut=True))
def test_nothing_is_lost(output: Output) -> None:
    """Every word of an output comes out, as reasoning, as text, or in a call."""
    out = said(merge(events_of(output, [output.text])))
    assert [word for word in WORDS if word in output.text and word not in out] == []


@settings(max_examples=200, deadline=None)
@given(value=strategies.text().filter(lambda value: "</parameter>" not in value), step=strategies.integers(1, 9))
def test_a_string_value_arrives_as_it_was_written(value: str, step: int) -> None:
    """A string argument is the value between its newlines, in valid JSON, whatever characters it has."""
    text = f"<tool_call>\n<function=store>\n<parameter=text>\n{value}\n</parameter>\n</function>\n</tool_call>"
    pieces = [text[start : start + step] for start in range(0, len(text), step)]
    [(kind, name, arguments)] = merge(events_of(Output(text), pieces))
    assert (kind, name, json.loads(arguments)) == ("call", "store", {"text": value})


@settings(max_examples=200, deadline=None)
@given(output=odd_outputs.filter(lambda output: bool(output.tools)))
def test_a_call_that_something_follows_is_valid_json(output: Output) -> None:
    """Only the last call of an output can lack valid JSON: all others were whole."""
    calls = [part[2] for part in merge(events_of(output, [output.text])) if part[0] == "call"]
    assert [type(json.loads(arguments)) for arguments in calls[:-1]] == [dict] * len(calls[:-1])
