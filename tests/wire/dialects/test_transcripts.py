"""Transcripts: what models write, and what it is read as, whole, character by character and at random splits."""

import pytest
from hypothesis import given, settings, strategies

from tests.wire.dialects.reading import Output, Part, events_of, merge

WEATHER = "<function=get_weather>\n<parameter=city>Tianjin</parameter>\n</function>"
WEATHER_CALL: Part = ("call", "get_weather", '{"city": "Tianjin"}')
JSON_WEATHER = '{"name": "get_weather", "arguments": {"city": "Tianjin"}}'


def xml(name: str, *arguments: tuple[str, str]) -> str:
    """Write a call as MiMo models do."""
    values = "".join(f"<parameter={argument}>{value}</parameter>\n" for argument, value in arguments)
    return f"<tool_call>\n<function={name}>\n{values}</function>\n</tool_call>"


def stored(argument: str, raw: str) -> Output:
    """Write a call with one argument, newlines round its value."""
    return Output(xml("store", (argument, f"\n{raw}\n")))


THINKING: dict[str, tuple[Output, list[Part]]] = {
    "plain text": (Output("Hello, world.\n"), [("text", "Hello, world.\n")]),
    "nothing": (Output(""), []),
    "newlines before the answer": (Output("\n\n  code", thinking=False), [("text", "  code")]),
    "thinking": (Output("<think>\nHm.\n\nYes. \n</think>\n\nHi"), [("reasoning", "Hm.\n\nYes."), ("text", "Hi")]),
    "white space before thinking": (Output("\n <think>a</think>b"), [("reasoning", "a"), ("text", "b")]),
    "empty pair": (Output("<think></think>Hi"), [("text", "Hi")]),
    "empty pair with newlines": (Output("<think>\n\n</think>\n\nHi"), [("text", "Hi")]),
    "empty pair, then a full one": (Output("<think></think>\n<think>a</think>b"), [("reasoning", "a"), ("text", "b")]),
    "starts inside": (Output("a\n</think>\nb", inside_thinking=True), [("reasoning", "a"), ("text", "b")]),
    "starts inside and says so again": (
        Output("\n<think>\na</think>b", inside_thinking=True),
        [("reasoning", "a"), ("text", "b")],
    ),
    "starts inside, ends at once": (Output("\n</think>\nb", inside_thinking=True), [("text", "b")]),
    "never ends": (Output("<think>a < b\n"), [("reasoning", "a < b")]),
    "cut in the closing mark": (Output("<think>a\n</thi", was_cut=True), [("reasoning", "a\n</thi")]),
    "closing mark first": (Output("\n</think>\n\nHi", thinking=False), [("text", "Hi")]),
    "closing mark without a beginning": (Output("Hm.</think>Hi"), [("text", "Hm.Hi")]),
    "closing mark in an answer without thinking": (
        Output("Write </think> last.", thinking=False),
        [("text", "Write </think> last.")],
    ),
    "marks in an answer": (
        Output("<think>a</think>Write <think> first and </think> last."),
        [("reasoning", "a"), ("text", "Write <think> first and </think> last.")],
    ),
    "thinks though not asked to": (
        Output("<think>a</think>b", thinking=False),
        [("reasoning", "a"), ("text", "b")],
    ),
    "other marks": (Output("<b>x</b> <thin <tool"), [("text", "<b>x</b> <thin <tool")]),
    "a mark in the reasoning": (Output("<think>no <think> here</think>"), [("reasoning", "no <think> here")]),
}

GONE_ON: list[tuple[str, str, list[Part]]] = [
    ("newlines", "\n\n  code", [("text", "\n\n  code")]),
    ("marks", "\n<think>a</think> b", [("text", "\n<think>a</think> b")]),
    ("a call", f"\n<tool_call>{WEATHER}</tool_call>", [("text", "\n"), WEATHER_CALL]),
    ("no call", "<tool_call> is\n a mark", [("text", "<tool_call> is\n a mark")]),
]
BEGUN: dict[str, tuple[Output, list[Part]]] = {
    f"{name}, thinking {thinking}": (Output(text, thinking=thinking, inside_answer=True), expected)
    for thinking in (True, False)
    for name, text, expected in GONE_ON
}

XML: dict[str, tuple[Output, list[Part]]] = {
    "one call": (Output(f"<tool_call>\n{WEATHER}\n</tool_call>"), [WEATHER_CALL]),
    "no newlines": (
        Output("<tool_call><function=get_weather><parameter=city>Tianjin</parameter></function></tool_call>"),
        [WEATHER_CALL],
    ),
    "no arguments": (Output(xml("get_weather")), [("call", "get_weather", "{}")]),
    "no arguments on one line": (
        Output("<tool_call><function= get_weather ></function></tool_call>"),
        [("call", "get_weather", "{}")],
    ),
    "two arguments": (
        Output(xml("get_weather", ("city", "Tianjin"), ("days", "3"))),
        [("call", "get_weather", '{"city": "Tianjin", "days": 3}')],
    ),
    "text around": (
        Output(f"Let me see.\n<tool_call>{WEATHER}</tool_call>\n\nDone."),
        [("text", "Let me see.\n"), WEATHER_CALL, ("text", "\n\nDone.")],
    ),
    "calls in a row": (
        Output(f"\n<tool_call>{WEATHER}</tool_call>\n \n<tool_call>{WEATHER}</tool_call>\n"),
        [WEATHER_CALL, WEATHER_CALL],
    ),
    "two calls in one section": (Output(f"<tool_call>{WEATHER}\n{WEATHER}</tool_call>"), [WEATHER_CALL, WEATHER_CALL]),
    "call after thinking": (
        Output(f"<think>a\n</think>\n<tool_call>{WEATHER}</tool_call>"),
        [("reasoning", "a"), WEATHER_CALL],
    ),
    "call inside thinking": (
        Output(f"<think>a\n<tool_call>{WEATHER}</tool_call>\n</think>\n\nb"),
        [("reasoning", "a"), WEATHER_CALL, ("text", "b")],
    ),
    "call inside thinking, thought goes on": (
        Output(f"a<tool_call>{WEATHER}</tool_call>b</think>c", inside_thinking=True),
        [("reasoning", "a"), WEATHER_CALL, ("text", "bc")],
    ),
    "call at the start of thinking": (
        Output(f"<think>\n<tool_call>{WEATHER}</tool_call></think>"),
        [WEATHER_CALL],
    ),
    "call named in thinking": (
        Output("<think>I need <tool_call> now.</think>b"),
        [("reasoning", "I need <tool_call> now."), ("text", "b")],
    ),
    "call named at the start of thinking": (
        Output("<think>\n<tool_call>?</think>"),
        [("reasoning", "<tool_call>?")],
    ),
    "no tools offered": (
        Output(f"<tool_call>{WEATHER}</tool_call>", tools=()),
        [("text", f"<tool_call>{WEATHER}</tool_call>")],
    ),
    "unknown tool": (Output(xml("other", ("a", "1"), ("b", "x"))), [("call", "other", '{"a": 1, "b": "x"}')]),
    "a value of several lines": (
        stored("text", "\na < b\n</param\n\tend\n"),
        [("call", "store", '{"text": "\\na < b\\n</param\\n\\tend\\n"}')],
    ),
    "closing marks in a value": (
        stored("text", "</function></tool_call></think>"),
        [("call", "store", '{"text": "</function></tool_call></think>"}')],
    ),
    "function mark forgotten": (
        Output("<tool_call><function=get_weather><parameter=city>Tianjin</parameter></tool_call>b"),
        [WEATHER_CALL, ("text", "b")],
    ),
    "function mark forgotten, no arguments": (
        Output("<tool_call><function=get_weather></tool_call>"),
        [("call", "get_weather", "{}")],
    ),
    "section mark forgotten": (Output(f"<tool_call>{WEATHER}\nb"), [WEATHER_CALL, ("text", "b")]),
    "text between arguments": (
        Output(
            "<tool_call><function=store><parameter=count>1</parameter> and <b> <parameter=flag>true</parameter>"
            "</function></tool_call> then"
        ),
        [("call", "store", '{"count": 1, "flag": true}'), ("text", "and <b> then")],
    ),
    "odd argument name": (
        Output("<tool_call><function=store><parameter=count>1</parameter><parameter=a\nb></function></tool_call>"),
        [("call", "store", '{"count": 1}'), ("text", "<parameter=a\nb>")],
    ),
}

GARBAGE: dict[str, tuple[Output, list[Part]]] = {
    name: (Output(text), [("text", text)])
    for name, text in {
        "empty": "<tool_call></tool_call>",
        "words": "<tool_call>\n get_weather Tianjin</tool_call> x",
        "twice": "<tool_call><tool_call>",
        "no name": "<tool_call><function=></function></tool_call>",
        "endless name": f"<tool_call><function={'a' * 300}></function></tool_call>",
        "name with a mark": "<tool_call>\n<function=a<b></function></tool_call>",
        "no parameter mark": "<tool_call><function=store>\n count=1</function></tool_call>",
        "odd first argument": "<tool_call><function=store>\n<parameter=a\nb>1</parameter></function></tool_call>",
        "no JSON": '<tool_call>\n{"name": store}\n</tool_call>',
        "no name in JSON": '<tool_call>{"arguments": {"a": 1}}</tool_call>',
        "empty name in JSON": '<tool_call>{"name": "", "arguments": {"a": 1}}</tool_call>',
        "name is no string": '<tool_call>{"name": 5}</tool_call>',
        "arguments are a list": '<tool_call>{"name": "store", "arguments": [1]}</tool_call>',
        "arguments are no JSON": '<tool_call>{"name": "store", "arguments": "x"}</tool_call>',
        "wrong brackets": '<tool_call>{"name": "store", "arguments": [}}</tool_call>',
        "broken escape": '<tool_call>{"name": "st\\\nore"}</tool_call>',
        "cut name": "<tool_call>\n<function=get_w",
        "cut section mark": "<tool_call>\n <func",
        "cut name in JSON": '<tool_call>\n{"name": "get_w',
        "too deep": '<tool_call>{"name": "store", "arguments": '
        + '{"a": ' * 12_000
        + "1"
        + "}" * 12_001
        + "</tool_call>",
    }.items()
}

JSON: dict[str, tuple[Output, list[Part]]] = {
    "one call": (Output(f"<tool_call>\n{JSON_WEATHER}\n</tool_call>\n"), [WEATHER_CALL]),
    "parameters": (
        Output('<tool_call>{"name": "store", "parameters": {"a": [{"b": "}"}]}}</tool_call>b'),
        [("call", "store", '{"a": [{"b": "}"}]}'), ("text", "b")],
    ),
    "arguments first": (
        Output('<tool_call>{"arguments": {"a": 1}, "name": "store", "id": 7}</tool_call>'),
        [("call", "store", '{"a": 1}')],
    ),
    "arguments as a string": (
        Output('<tool_call>{"name": "store", "arguments": "{\\"a\\": 1}"}</tool_call>'),
        [("call", "store", '{"a": 1}')],
    ),
    "arguments as an empty string": (
        Output('<tool_call>{"name": "store", "arguments": ""}</tool_call>'),
        [("call", "store", "{}")],
    ),
    "arguments null": (
        Output('<tool_call>{"name": "store", "arguments": null}</tool_call>'),
        [("call", "store", "{}")],
    ),
    "no arguments": (Output('<tool_call>{"name": "store"}</tool_call>'), [("call", "store", "{}")]),
    "two objects": (Output(f"<tool_call>{JSON_WEATHER}\n{JSON_WEATHER}</tool_call>"), [WEATHER_CALL, WEATHER_CALL]),
    "both ways in one section": (
        Output(f"<tool_call>{JSON_WEATHER}{WEATHER}</tool_call>"),
        [WEATHER_CALL, WEATHER_CALL],
    ),
    "second object is garbage": (
        Output(f"<tool_call>{JSON_WEATHER}\n{{}}</tool_call>"),
        [WEATHER_CALL, ("text", "\n{}</tool_call>")],
    ),
    "last bracket forgotten": (
        Output('<tool_call>{"name": "store", "arguments": {"a": [1]}\n</tool_call>'),
        [("call", "store", '{"a": [1]}')],
    ),
    "line break in a string": (
        Output('<tool_call>\n{"name": "store", "arguments": {"a": "1\n2\\n\\"3\\""}}\n</tool_call>'),
        [("call", "store", '{"a": "1\\u000a2\\n\\"3\\""}')],
    ),
    "inside thinking": (
        Output(f"<think>a <tool_call>{JSON_WEATHER}</tool_call>"),
        [("reasoning", "a"), WEATHER_CALL],
    ),
}

ENDINGS: dict[str, tuple[Output, list[Part]]] = {
    "ended in the white space of a section": (Output("<tool_call>\n"), [("text", "<tool_call>\n")]),
    "ended after the name": (
        Output("<tool_call>\n<function=get_weather>\n"),
        [("call", "get_weather", "{}")],
    ),
    "cut after the name": (
        Output("<tool_call>\n<function=get_weather>\n", was_cut=True),
        [("call", "get_weather", "{")],
    ),
    "cut in the first mark": (
        Output("<tool_call>\n<function=get_weather>\n<para", was_cut=True),
        [("call", "get_weather", "{")],
    ),
    "cut in the first argument's name": (
        Output("<tool_call>\n<function=get_weather>\n<parameter=ci", was_cut=True),
        [("call", "get_weather", '{"ci')],
    ),
    "cut in the second argument's name": (
        Output("<tool_call>\n<function=get_weather>\n<parameter=city>T</parameter><parameter=da", was_cut=True),
        [("call", "get_weather", '{"city": "T", "da')],
    ),
    "ended between arguments": (
        Output("<tool_call>\n<function=get_weather>\n<parameter=city>T</parameter>\n"),
        [("call", "get_weather", '{"city": "T"}')],
    ),
    "cut between arguments": (
        Output("<tool_call>\n<function=get_weather>\n<parameter=city>T</parameter> x </fun", was_cut=True),
        [("call", "get_weather", '{"city": "T"'), ("text", "x")],
    ),
    "ended in a string": (
        Output("<tool_call><function=get_weather><parameter=city>Tian\n</para"),
        [("call", "get_weather", '{"city": "Tian\\n</para')],
    ),
    "cut in a number": (
        Output("<tool_call><function=get_weather><parameter=days>5}", was_cut=True),
        [("call", "get_weather", '{"days": "5}')],
    ),
    "cut after the call": (Output(f"<tool_call>{WEATHER}\n</tool", was_cut=True), [WEATHER_CALL]),
    "ended after stray text": (
        Output("<tool_call><function=store><parameter=count>1</parameter>a</function>"),
        [("call", "store", '{"count": 1}'), ("text", "a")],
    ),
    "cut in a second call": (
        Output(f"<tool_call>{WEATHER}<function=sto", was_cut=True),
        [WEATHER_CALL, ("text", "<function=sto")],
    ),
    "JSON ended without its brackets": (Output(f"<tool_call>{JSON_WEATHER[:-1]}"), [WEATHER_CALL]),
    "JSON cut without its brackets": (
        Output(f"<tool_call>{JSON_WEATHER[:-2]}", was_cut=True),
        [("call", "get_weather", '{"city": "Tianjin"')],
    ),
    "JSON ended in a string": (
        Output(f"<tool_call>{JSON_WEATHER[:-4]}"),
        [("call", "get_weather", '{"city": "Tianji')],
    ),
    "JSON ended in nonsense": (
        Output(f"<tool_call>{JSON_WEATHER[:-2]}, "),
        [("call", "get_weather", '{"city": "Tianjin", ')],
    ),
}

VALUES: dict[str, tuple[Output, list[Part]]] = {
    f"{argument} {raw}": (stored(argument, raw), [("call", "store", f'{{"{argument}": {value}}}')])
    for argument, raw, value in (
        ("text", "5", '"5"'),
        ("text", "null", '"null"'),
        ("text", ' "quoted" \\', '" \\"quoted\\" \\\\"'),
        ("text", "", '""'),
        ("text", "天津\u2028", '"天津\u2028"'),
        ("count", " 5 ", "5"),
        ("count", "five", '"five"'),
        ("count", "", '""'),
        ("count", "5.5", "5.5"),
        ("count", "True", '"True"'),
        ("ratio", "1e3", "1e3"),
        ("ratio", "NaN", '"NaN"'),
        ("flag", "true", "true"),
        ("flag", "False", "false"),
        ("nothing", "null", "null"),
        ("nothing", "None", "null"),
        ("data", '{"a": [1,\n2]}', '{"a": [1,\n2]}'),
        ("data", "{'a': 1}", "\"{'a': 1}\""),
        ("rows", "[]", "[]"),
        ("maybe", "null", "null"),
        ("maybe", "5", '"5"'),
        ("maybe", "{}", '"{}"'),
        ("unknown", "5", "5"),
        ("unknown", "-0.5", "-0.5"),
        ("unknown", "false", "false"),
        ("unknown", "False", '"False"'),
        ("unknown", "null", '"null"'),
        ("unknown", '"a"', '"\\"a\\""'),
        ("unknown", "[1, {}]", "[1, {}]"),
        ("unknown", "[" * 5000, '"' + "[" * 5000 + '"'),
    )
}

TRANSCRIPTS = {
    f"{family}: {name}": case
    for family, cases in {
        "thinking": THINKING,
        "begun": BEGUN,
        "xml": XML,
        "garbage": GARBAGE,
        "json": JSON,
        "endings": ENDINGS,
        "values": VALUES,
    }.items()
    for name, case in cases.items()
}
every_transcript = pytest.mark.parametrize(
    "output,expected", TRANSCRIPTS.values(), ids=[name[:60] for name in TRANSCRIPTS]
)


@every_transcript
def test_a_whole_output(output: Output, expected: list[Part]) -> None:
    """An output that comes at once is read as the table says."""
    assert merge(events_of(output, [output.text])) == expected


@every_transcript
def test_an_output_character_by_character(output: Output, expected: list[Part]) -> None:
    """An output that comes in single characters is read as if it had come at once."""
    assert merge(events_of(output, output.text)) == expected


@every_transcript
@settings(max_examples=10, deadline=None)
@given(data=strategies.data())
def test_an_output_at_random_splits(output: Output, expected: list[Part], data: strategies.DataObject) -> None:
    """However an output is split, it is read as if it had come at once."""
    cuts = sorted(data.draw(strategies.sets(strategies.integers(0, len(output.text)), max_size=8)))
    edges = zip([0, *cuts], [*cuts, len(output.text)], strict=True)
    assert merge(events_of(output, [output.text[start:end] for start, end in edges])) == expected
