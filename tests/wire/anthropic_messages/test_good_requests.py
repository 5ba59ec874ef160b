"""Good requests: what they are read as."""

import json
from collections.abc import Callable, Mapping

import pytest

from setaria.core.dialogue import (
    Block,
    Dialogue,
    Image,
    Message,
    Opaque,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from setaria.core.errors import TooLarge
from setaria.core.traits import Traits
from tests.wire.anthropic_messages.asking import (
    CODEC,
    PLAIN_TRAITS,
    QUESTION,
    TOOL,
    TRAITS,
    ask_with,
    blocks_of,
    count_with,
)

CALL = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a b"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
READ = Tool("read", "Read a file.", b'{"type": "object"}')


def result(content: object = None, **fields: object) -> dict[str, object]:
    """Write a tool's result for the call `toolu_1`."""
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content} | fields


@pytest.mark.parametrize(
    "body, model, stream",
    [
        ({"model": "a"}, "a", False),
        ({"model": "a[1m]", "stream": None}, "a[1m]", False),
        ({"model": "a", "stream": False}, "a", False),
        ({"model": "a", "stream": True}, "a", True),
    ],
)
def test_envelope_tells_model_and_stream(body: dict[str, object], model: str, stream: bool) -> None:
    """The envelope names the model and tells whether a stream is wanted."""
    envelope = CODEC.read_envelope(json.dumps(body).encode())
    assert (model, stream) == (envelope.model, envelope.stream)


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"system": "Be brief."}, (Message("system", (Text("Be brief."),)),)),
        (
            {
                "system": [
                    {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "b"},
                ]
            },
            (Message("system", (Text("a"), Text("b"))),),
        ),
        (
            {"system": [{"type": "tool_addition"}]},
            (Message("system", (Opaque("tool_addition", b'{"type": "tool_addition"}'),)),),
        ),
        ({"system": ""}, ()),
        ({"system": []}, ()),
        ({"system": None}, ()),
    ],
)
def test_system_stands_before_the_turns(fields: dict[str, object], expected: tuple[Message, ...]) -> None:
    """The system prompt becomes the first turn, and none when it says nothing."""
    assert (*expected, Message("user", (Text("What is Setaria?"),))) == ask_with(**fields).messages


def test_system_turns_stay_where_they_are() -> None:
    """Turns of role system may stand anywhere, as text or blocks, and keep their place."""
    turns = [
        {"role": "system", "content": "first"},
        QUESTION,
        {"role": "system", "content": [{"type": "text", "text": "in between", "cache_control": {"type": "ephemeral"}}]},
        {"role": "system", "content": ""},
        {"role": "assistant", "content": "Gra"},
    ]
    expected = [("system", "first"), ("user", "What is Setaria?"), ("system", "in between"), ("assistant", "Gra")]
    read = [(turn.role, *turn.blocks) for turn in ask_with(messages=turns).messages]
    assert [(role, Text(text)) for role, text in expected] == read


@pytest.mark.parametrize(
    "role, block, expected",
    [
        ("user", {"type": "text", "text": "a", "citations": None}, Text("a")),
        (
            "user",
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
            Image(data="iVBO", media_type="image/png"),
        ),
        ("user", {"type": "image", "source": {"type": "url", "url": "HTTPS://a/b"}}, Image(url="HTTPS://a/b")),
        (
            "user",
            {"type": "image", "source": {"type": "url", "url": "data:image/png;base64,iV"}},
            Image(url="data:image/png;base64,iV"),
        ),
        ("user", {"type": "document", "source": {}}, Opaque("document", b'{"type": "document", "source": {}}')),
        ("assistant", {"type": "server_tool_use"}, Opaque("server_tool_use", b'{"type": "server_tool_use"}')),
        ("assistant", {"type": "redacted_thinking"}, Opaque("redacted_thinking", b'{"type": "redacted_thinking"}')),
        ("assistant", {"type": "thinking", "thinking": "hm"}, Reasoning("hm")),
        ("assistant", {"type": "thinking", "thinking": "hm", "signature": None}, Reasoning("hm")),
        ("assistant", {"type": "thinking", "thinking": "", "signature": "foreign"}, Reasoning("", "foreign")),
        ("assistant", CALL | {"cache_control": {"type": "ephemeral"}}, ToolCall("toolu_1", "read", '{"path": "a b"}')),
        ("assistant", CALL | {"input": None}, ToolCall("toolu_1", "read", "{}")),
        ("assistant", {"type": "tool_use", "id": "1", "name": "x"}, ToolCall("1", "x", "{}")),
    ],
)
def test_blocks_are_read(role: str, block: dict[str, object], expected: Block) -> None:
    """Each block becomes its own, and one of an unknown kind is kept with its bytes."""
    assert (expected,) == blocks_of(role, block)


@pytest.mark.parametrize(
    "block, expected",
    [
        (result("done"), ToolResult("toolu_1", (Text("done"),))),
        (result(), ToolResult("toolu_1", ())),
        (
            {"type": "tool_result", "tool_use_id": "calld06f", "is_error": True},
            ToolResult("calld06f", (), is_error=True),
        ),
        (result([{"type": "text", "text": "a"}], is_error=False), ToolResult("toolu_1", (Text("a"),))),
        (
            result([{"type": "image", "source": {"type": "url", "url": "https://a"}}, {"type": "tool_reference"}]),
            ToolResult("toolu_1", (Image(url="https://a"), Opaque("tool_reference", b'{"type": "tool_reference"}'))),
        ),
    ],
)
def test_tool_results_are_read(block: dict[str, object], expected: ToolResult) -> None:
    """A tool's result may be text, blocks or nothing, for a call of any id."""
    (message,) = ask_with(messages=[{"role": "user", "content": [block]}]).messages
    assert Message("tool", (expected,)) == message


def test_tool_results_stand_apart_from_what_the_user_says() -> None:
    """A user's message with results of tools is split: all results in order, then the rest in order."""
    content = [
        {"type": "text", "text": "a"},
        result("one"),
        {"type": "text", "text": "b"},
        result("two", tool_use_id="toolu_2"),
    ]
    expected = (
        Message("tool", (ToolResult("toolu_1", (Text("one"),)), ToolResult("toolu_2", (Text("two"),)))),
        Message("user", (Text("a"), Text("b"))),
    )
    assert expected == ask_with(messages=[{"role": "user", "content": content}]).messages


def source(kind: str, **fields: object) -> dict[str, object]:
    """Give a document with this source."""
    return {"type": "document", "source": {"type": kind, **fields}}


PIECES = [{"type": "text", "text": "One"}, {"type": "image", "source": {}}, {"type": "text", "text": "two"}]
FOUND: dict[str, object] = {
    "type": "search_result",
    "source": "https://a/b",
    "title": "T",
    "content": PIECES,
    "citations": {},
}
DOCUMENTS: list[tuple[dict[str, object], str]] = [
    (source("text", media_type="text/plain", data="Words"), "<document>\nWords\n</document>"),
    (
        source("text", data="Words") | {"title": "T", "context": "C", "citations": {"enabled": True}},
        "<document>\nT\nC\nWords\n</document>",
    ),
    (source("text", data="Words") | {"title": None}, "<document>\nWords\n</document>"),
    (source("content", content="Words"), "<document>\nWords\n</document>"),
    (source("content", content=PIECES), "<document>\nOne\ntwo\n</document>"),
    (FOUND, "<search_result>\nT\nhttps://a/b\nOne\ntwo\n</search_result>"),
    (source("text", data=""), ""),
    (source("base64", media_type="application/pdf", data="JVBE"), ""),
    (source("url", url="https://a/b.pdf"), ""),
    (source("text", data=5), ""),
    ({"type": "document"}, ""),
    ({"type": "search_result", "content": None}, ""),
    ({"type": "tool_reference", "text": "x"}, ""),
]


@pytest.mark.parametrize("block,expected", DOCUMENTS)
def test_documents_keep_their_text(block: dict[str, object], expected: str) -> None:
    """Blocks that bring plain text are kept as they came, with that text; so are those in a tool's result."""
    kept = Opaque(str(block["type"]), json.dumps(block).encode(), expected)
    assert blocks_of("user", block) == (kept,)
    assert blocks_of("user", {"type": "tool_result", "tool_use_id": "1", "content": [block]}) == (
        ToolResult("1", (kept,)),
    )


BILLING = "x-anthropic-billing-header: cc_version=2.1.330.52d; cc_entrypoint=sdk-cli;"


@pytest.mark.parametrize(
    "system,expected",
    [
        ([{"type": "text", "text": BILLING}, {"type": "text", "text": "Be brief."}], ("Be brief.",)),
        ([{"type": "text", "text": f"{BILLING}\n\nBe brief."}], ("Be brief.",)),
        (f"{BILLING}\nBe brief.", ("Be brief.",)),
        (BILLING, ()),
        (f"No {BILLING}", (f"No {BILLING}",)),
    ],
)
def test_the_billing_line_is_no_part_of_the_prompt(system: object, expected: tuple[str, ...]) -> None:
    """Claude Code's line for its maker's servers is dropped, which changes often and spoils the cache of prompts."""
    asked = ask_with(system=system, messages=[QUESTION, {"role": "user", "content": BILLING}]).messages
    assert [block for turn in asked if turn.role == "system" for block in turn.blocks] == list(map(Text, expected))
    assert asked[-1].blocks == (Text(BILLING),)


TEXT = {"type": "text", "text": "Gra"}
THOUGHT = {"type": "thinking", "thinking": "hm"}
LAST_TURNS: list[tuple[list[Mapping[str, object]], bool]] = [
    ([QUESTION], False),
    ([QUESTION, {"role": "assistant", "content": "Gra"}], True),
    ([QUESTION, {"role": "assistant", "content": [THOUGHT, TEXT]}], True),
    ([QUESTION, {"role": "assistant", "content": "Gra"}, QUESTION], False),
    ([QUESTION, {"role": "assistant", "content": "Gra"}, {"role": "system", "content": "x"}], False),
    ([QUESTION, {"role": "assistant", "content": [TEXT, THOUGHT]}], False),
    ([QUESTION, {"role": "assistant", "content": [CALL, TEXT]}], False),
    ([QUESTION, {"role": "assistant", "content": ""}], False),
    ([{"role": "system", "content": ""}], False),
]


@pytest.mark.parametrize("turns,expected", LAST_TURNS)
@pytest.mark.parametrize("read", [ask_with, count_with])
def test_a_last_turn_of_text_begins_the_answer(
    turns: list[Mapping[str, object]], expected: bool, read: Callable[..., Dialogue]
) -> None:
    """The assistant's last turn is the beginning of the answer where it ends with text and has no calls."""
    assert read(messages=turns).continues is expected


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_an_assistant_turn_may_be_empty(content: object) -> None:
    """An assistant's turn that says nothing is kept, so that the turns still alternate."""
    turns = ask_with(messages=[QUESTION, {"role": "assistant", "content": content}, QUESTION]).messages
    assert Message("assistant", ()) == turns[1]


@pytest.mark.parametrize(
    "asked, expected",
    [(1, 1), (4096, 4096), (131_072, 131_072), (10**12, 131_072), (None, 32_768)],
)
def test_max_tokens_is_clamped(asked: int | None, expected: int) -> None:
    """More output than the model can give is clamped, and nothing asked is the default."""
    assert expected == ask_with(max_tokens=asked).max_output_tokens


@pytest.mark.parametrize(
    "thinking, expected",
    [
        ({"type": "enabled"}, True),
        ({"type": "enabled", "budget_tokens": 32_000}, True),
        ({"type": "enabled", "budget_tokens": -1}, True),
        ({"type": "adaptive", "display": "omitted"}, True),
        ({"type": "between_tools"}, True),
        ({"type": "disabled"}, False),
        (None, True),
    ],
)
def test_thinking_is_as_asked(thinking: object, expected: bool) -> None:
    """Thinking is on or off as asked, whatever its budget, and as the model's default when not."""
    assert expected == ask_with(thinking=thinking).thinking


def test_a_model_that_cannot_think_does_not() -> None:
    """Thinking asked of a model without that capability is off, not an error."""
    assert not ask_with(PLAIN_TRAITS, thinking={"type": "enabled"}).thinking


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({}, Sampling(0.7, 0.9)),
        ({"temperature": 9, "top_p": "no", "top_k": -1}, Sampling(0.7, 0.9)),
        ({"stop_sequences": ["a", "\n\nHuman:"]}, Sampling(0.7, 0.9, stop=("a", "\n\nHuman:"))),
        ({"thinking": {"type": "disabled"}}, Sampling(0.7, 0.9)),
        ({"thinking": {"type": "disabled"}, "temperature": None, "stop_sequences": None}, Sampling(0.7, 0.9)),
        ({"thinking": {"type": "disabled"}, "temperature": 0, "top_p": 1}, Sampling(0.0, 1.0)),
        ({"thinking": {"type": "disabled"}, "temperature": 1.5, "top_p": 0.01}, Sampling(1.5, 0.01)),
    ],
)
def test_sampling_is_as_asked_unless_thinking_forces_it(fields: dict[str, object], expected: Sampling) -> None:
    """While thinking forces the sampling, temperature and top_p are not even looked at."""
    assert expected == ask_with(**fields).sampling


def test_thinking_leaves_sampling_alone_where_the_model_does_not_force_it() -> None:
    """A model that forces nothing takes the caller's temperature while it thinks."""
    free = Traits(1000, 100, 100, TRAITS.capabilities, forces_sampling=False)
    assert Sampling(0.2, 0.95) == ask_with(free, temperature=0.2).sampling


@pytest.mark.parametrize(
    "tools, expected",
    [
        (None, ()),
        ([], ()),
        ([TOOL], (READ,)),
        ([TOOL | {"type": "custom"}], (READ,)),
        ([TOOL | {"type": None, "defer_loading": True, "eager_input_streaming": True, "cache_control": {}}], (READ,)),
        ([TOOL | {"strict": True}], (Tool("read", "Read a file.", b'{"type": "object"}', strict=True),)),
        ([TOOL | {"strict": "what"}], (READ,)),
        ([{"name": "x y/é" + "n" * 123, "input_schema": {}}], (Tool("x y/é" + "n" * 123, "", b"{}"),)),
        ([SEARCH], ()),
        ([SEARCH, TOOL, {"type": "bash_20250124", "name": "bash"}, {"type": "computer_toolset_20260801"}], (READ,)),
        ([{"type": "mcp_toolset", "mcp_server_name": "x"}], ()),
    ],
)
def test_tools_are_read(tools: object, expected: tuple[Tool, ...]) -> None:
    """The caller's own tools are read with any extra keys; the maker's server tools are left out, never an error."""
    assert expected == ask_with(tools=tools).tools


@pytest.mark.parametrize(
    "tools, choice, expected",
    [
        ([TOOL], None, ToolChoice()),
        ([TOOL], {"type": "auto"}, ToolChoice()),
        ([TOOL], {"type": "auto", "disable_parallel_tool_use": True}, ToolChoice(parallel=False)),
        ([TOOL], {"type": "auto", "disable_parallel_tool_use": False}, ToolChoice()),
        ([TOOL], {"type": "any"}, ToolChoice("required")),
        ([TOOL], {"type": "none"}, ToolChoice("none")),
        ([TOOL], {"type": "some day"}, ToolChoice()),
        ([SEARCH, TOOL], {"type": "tool", "name": "read"}, ToolChoice("named", "read")),
        ([TOOL], {"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required", parallel=False)),
        ([SEARCH], {"type": "auto"}, ToolChoice()),
        ([SEARCH], {"type": "any"}, ToolChoice()),
        ([SEARCH, TOOL], {"type": "tool", "name": "web_search"}, ToolChoice()),
        ([], {"type": "auto"}, ToolChoice()),
    ],
)
def test_tool_choice_is_read(tools: object, choice: object, expected: ToolChoice) -> None:
    """The choice is passed on; what is unknown or asks for a tool that was left out counts as auto."""
    assert expected == ask_with(tools=tools, tool_choice=choice).tool_choice


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"output_config": {"effort": "high"}}, ResponseFormat()),
        ({"output_config": None, "output_format": None}, ResponseFormat()),
        ({"output_config": {"format": None}}, ResponseFormat()),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"a": 1}}}},
            ResponseFormat("json_schema", b'{"a": 1}'),
        ),
        ({"output_format": {"type": "json_schema", "schema": {}}}, ResponseFormat("json_schema", b"{}")),
    ],
)
def test_response_format_is_read(fields: dict[str, object], expected: ResponseFormat) -> None:
    """A schema for the answer is read under its present and its earlier name."""
    assert expected == ask_with(**fields).response_format


def test_unknown_fields_are_ignored() -> None:
    """Fields that are not known here change nothing, whatever they hold."""
    fields = {
        "metadata": 7,
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "safeguards": [{"type": "dangerous_tool_use"}],
        "service_tier": [],
        "container": None,
        "mcp_servers": "x",
    }
    assert ask_with() == ask_with(**fields)


def test_counting_looks_only_at_what_takes_input_tokens() -> None:
    """A request to count is read like another, but fields that take no input tokens may hold anything."""
    fields = {"system": "s", "tools": [TOOL, SEARCH], "thinking": {"type": "adaptive"}}
    noise = {"max_tokens": 0, "temperature": "hot", "stop_sequences": 1, "tool_choice": "x", "output_config": 3}
    assert ask_with(**fields) == count_with(**fields, **noise)


def test_long_text_is_refused() -> None:
    """More than 16 MB of text is too large, but pictures are not counted."""
    long = "x" * (16 * 1024 * 1024 + 1)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": long}}
    assert (Image(data=long, media_type="image/png"),) == blocks_of("user", picture)
    with pytest.raises(TooLarge):
        ask_with(system=long)
    with pytest.raises(TooLarge):
        count_with(system=long)
