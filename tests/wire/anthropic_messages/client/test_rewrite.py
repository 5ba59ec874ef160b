"""Rewriting: a request of this protocol goes on as it came, but for what a deployment needs otherwise."""

import json
from typing import Any

import msgspec
import pytest

from setaria.core.errors import InvalidRequest
from setaria.core.signatures import write_signature
from setaria.wire.upstream_codec import Manner, ThinkingStyle
from tests.wire.anthropic_messages.asking import CODEC, QUESTION, TOOL, TRAITS
from tests.wire.anthropic_messages.client.serving import UPSTREAM

CLAUDE = Manner("claude-x", "anthropic")
PLAIN_TRAITS = msgspec.structs.replace(TRAITS, forces_sampling=False)
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def rewrite(manner: Manner = CLAUDE, /, **fields: object) -> dict[str, Any]:  # JSON as it is written
    """Rewrite a good request with these fields beside its own."""
    body = json.dumps({"model": "mimo-v2.5-pro", "messages": [QUESTION], "max_tokens": 4000} | fields).encode()
    envelope = CODEC.read_envelope(body)
    return dict(json.loads(UPSTREAM.rewrite_request(envelope, CODEC.read_dialogue(envelope, PLAIN_TRAITS), manner)))


def test_bytes_stay() -> None:
    """What need not change keeps its very bytes, unknown keys included."""
    messages = b'[ {"role":"user", "content":"\\u8c37", "x":1.50}, {"role":"assistant","content":"s"} ]'
    system = b'[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]'
    body = b'{"model":"m","messages":%b,"system":%b,"max_tokens":99,"thinking":{"type":"disabled"}}' % (
        messages,
        system,
    )
    envelope = CODEC.read_envelope(body)
    written = UPSTREAM.rewrite_request(envelope, CODEC.read_dialogue(envelope, TRAITS), CLAUDE)
    assert (
        written
        == b'{"model":"claude-x","max_tokens":99,"messages":%b,"system":%b,"thinking":{"type":"disabled"}}'
        % (
            messages,
            system,
        )
    )


MARK = {"cache_control": {"type": "ephemeral"}}


def text(words: str, **more: object) -> dict[str, object]:
    """Say what a block of text must be."""
    return {"type": "text", "text": words, **more}


def system(content: object) -> dict[str, object]:
    """Write a message of the system."""
    return {"role": "system", "content": content}


NOTE = text("<system>\nBe brief.\n</system>")
HI = text("Hi", **MARK)
HELLO = {"role": "user", "content": [HI], "x": 1}
CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"a": 1.50}}]}
GIVEN = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x", **MARK}
DOCUMENT = {"type": "document", "source": {}, "text": ["not a text"]}


@pytest.mark.parametrize(
    "messages, prompt, expected",
    [
        (
            [QUESTION, system("Be brief.")],
            "S",
            [{"role": "user", "content": [text("What is Setaria?"), NOTE]}],
        ),
        (
            [HELLO, system([text("Be brief.", **MARK), text(" ")]), CALLED, HELLO],
            "S",
            [{"role": "user", "content": [HI, NOTE | MARK]}, CALLED, HELLO],
        ),
        (
            [QUESTION, CALLED, system("Be brief."), {"role": "user", "content": [GIVEN, text("Go on")]}],
            "S",
            [QUESTION, CALLED, {"role": "user", "content": [GIVEN, NOTE, text("Go on")]}],
        ),
        ([system("T"), system([text("U", **MARK)]), HELLO], [text("S"), text("T"), text("U", **MARK)], [HELLO]),
        ([system("Be brief.")], "S", [{"role": "user", "content": [NOTE]}]),
        ([HELLO, CALLED, system(""), CALLED], "S", [HELLO, CALLED, CALLED]),
        ([HELLO, system([DOCUMENT])], "S", [{"role": "user", "content": [HI, DOCUMENT]}]),
    ],
)
def test_system_turns(messages: list[object], prompt: object, expected: list[object]) -> None:
    """A message of the system within the turns stands where the protocol has a place for it; others stay."""
    written = rewrite(messages=messages, system="S", thinking={"type": "disabled"})
    assert (prompt, expected) == (written["system"], written["messages"])


def test_system_turns_without_a_system_prompt() -> None:
    """A first message of the system alone is the system prompt."""
    written = rewrite(messages=[system("S"), HELLO])
    assert (written["system"], written["messages"]) == ([text("S")], [HELLO])


def test_a_word_that_only_looks_like_a_system_turn() -> None:
    """Where no message has that role none changes, whatever is said in it."""
    messages = b'[ {"role":"user","content":[{"type":"x","role":"system","content":1.50}]} ]'
    body = b'{"model":"m","messages":%b}' % messages
    envelope = CODEC.read_envelope(body)
    written = UPSTREAM.rewrite_request(envelope, CODEC.read_dialogue(envelope, TRAITS), CLAUDE)
    assert messages in written


@pytest.mark.parametrize("asked, expected", [(None, 32_768), (5, 5), (10**9, 131_072)])
def test_the_limit_is_always_told(asked: int | None, expected: int) -> None:
    """Servers demand a limit: the default stands in for none, and no more is asked than the model can do."""
    assert expected == rewrite(max_tokens=asked)["max_tokens"]


def test_unknown_fields_are_dropped() -> None:
    """Fields that could spend the operator's money or name the caller do not cross, unless the operator lets them."""
    fields = {"service_tier": "priority", "metadata": {"user_id": "x"}, "context_management": {}, "top_k": 5}
    written = rewrite(Manner("m", "none", ("metadata",)), **fields, stop_sequences=None, stream=True)
    assert set(written) == {"model", "max_tokens", "messages", "metadata", "top_k", "stream", "temperature", "top_p"}


@pytest.mark.parametrize(
    "asked, expected",
    [
        (None, {"type": "enabled", "budget_tokens": 2000}),
        ({"type": "disabled"}, {"type": "disabled"}),
        ({"type": "adaptive", "display": "omitted"}, {"type": "adaptive", "display": "omitted"}),
        ({"type": "enabled"}, {"type": "enabled", "budget_tokens": 2000}),
        ({"type": "enabled", "budget_tokens": 10}, {"type": "enabled", "budget_tokens": 1024}),
        (
            {"type": "enabled", "budget_tokens": 4000, "display": "omitted"},
            {"type": "enabled", "budget_tokens": 3999, "display": "omitted"},
        ),
    ],
)
def test_thinking_of_style_anthropic(asked: object, expected: object) -> None:
    """The caller's own words for thinking stay, its budget is made one that the server allows."""
    assert expected == rewrite(thinking=asked)["thinking"]


CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]}
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "EqoB"}
HIDDEN = {"type": "redacted_thinking", "data": "x"}


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"tools": [TOOL], "tool_choice": {"type": "any"}}, "disabled"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "read"}}, "disabled"),
        ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, "enabled"),
        ({"messages": [QUESTION, {"role": "assistant", "content": "{"}]}, "disabled"),
        ({"messages": [QUESTION, CALL, RESULT]}, "disabled"),
        ({"messages": [QUESTION, CALL, RESULT, {"role": "assistant", "content": " "}]}, "disabled"),
        ({"messages": [QUESTION, CALL, RESULT, QUESTION]}, "disabled"),
        ({"messages": [QUESTION, {"role": "assistant", "content": "Ho"}, QUESTION]}, "enabled"),
        ({"messages": [QUESTION, CALL, RESULT, {"role": "assistant", "content": "Ho"}, QUESTION]}, "enabled"),
        ({"messages": [QUESTION, CALL | {"content": [THOUGHT, *CALL["content"]]}, RESULT]}, "enabled"),
        ({"messages": [QUESTION, CALL | {"content": [HIDDEN, *CALL["content"]]}, RESULT]}, "enabled"),
        ({"messages": [QUESTION, CALL, RESULT], "thinking": {"type": "enabled", "budget_tokens": 2000}}, "enabled"),
    ],
)
def test_thinking_that_nobody_asked_for(fields: dict[str, object], expected: str) -> None:
    """The model's default is not asked for where the server would refuse it; the caller's own word stands."""
    assert expected == rewrite(**fields)["thinking"]["type"]


OURS = {"type": "thinking", "thinking": "Hm", "signature": write_signature("ring1", bytes(32))}
OTHERS = OURS | {"signature": write_signature("ring9", bytes(32))}
UNSIGNED = {"type": "thinking", "thinking": "Hm"}
CALLING = CALL["content"]


@pytest.mark.parametrize(
    "style, thoughts, kept",
    [
        ("anthropic", [OURS, HIDDEN, THOUGHT, OTHERS], [HIDDEN, THOUGHT, OTHERS]),
        ("anthropic", [UNSIGNED, UNSIGNED | {"signature": ""}], []),
        ("none", [OURS, UNSIGNED], [UNSIGNED]),
        ("thinking_type", [OURS, UNSIGNED], [OURS, UNSIGNED]),
    ],
)
def test_thinking_of_other_models(style: ThinkingStyle, thoughts: list[object], kept: list[object]) -> None:
    """What another model thought stays away from a server that checks who signed it; all else stays as it is."""
    turn = {"role": "assistant", "content": [*thoughts, *CALLING], "x": 1}
    answer = {"role": "assistant", "content": "Ho"}
    written = rewrite(Manner("m", style, own_signers=("ring1",)), messages=[QUESTION, turn, RESULT, answer, QUESTION])
    assert written["messages"] == [QUESTION, turn | {"content": [*kept, *CALLING]}, RESULT, answer, QUESTION]


def test_thinking_of_other_models_beside_system_turns() -> None:
    """Both are mended in one request."""
    turn = {"role": "assistant", "content": [UNSIGNED, text("Ho")]}
    written = rewrite(messages=[QUESTION, turn, QUESTION, system("Be brief.")])
    assert written["messages"] == [
        QUESTION,
        {"role": "assistant", "content": [text("Ho")]},
        {"role": "user", "content": [text("What is Setaria?"), NOTE]},
    ]


def test_a_turn_of_nothing_but_foreign_thinking() -> None:
    """A turn of which nothing is left goes out no more: servers refuse an empty one."""
    turn = {"role": "assistant", "content": [UNSIGNED]}
    assert rewrite(messages=[QUESTION, turn, QUESTION])["messages"] == [QUESTION, QUESTION]


@pytest.mark.parametrize(
    "turns, kind, expected",
    [
        ([CALL | {"content": [UNSIGNED, *CALLING]}, RESULT], "enabled", "disabled"),
        ([CALL | {"content": [UNSIGNED, *CALLING]}, RESULT], "adaptive", "adaptive"),
        ([{"role": "assistant", "content": [UNSIGNED, {"type": "text", "text": "Ho"}]}], "enabled", "enabled"),
    ],
)
def test_a_turn_that_lost_its_thinking(turns: list[object], kind: str, expected: str) -> None:
    """Where the turn that goes on has lost its thinking, more of it is not demanded: the server would refuse that."""
    messages = [QUESTION, *turns, *([QUESTION] if len(turns) == 1 else [])]
    assert expected == rewrite(messages=messages, thinking={"type": kind})["thinking"]["type"]


def test_thinking_without_room() -> None:
    """Where the limit leaves no room for the least budget, thinking is off."""
    written = rewrite(thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=1024)
    assert written["thinking"] == {"type": "disabled"}


def test_a_budget_that_is_no_number() -> None:
    """A budget that the server would refuse is refused by name."""
    with pytest.raises(InvalidRequest, match=r"thinking\.budget_tokens"):
        rewrite(thinking={"type": "enabled", "budget_tokens": "much"})


@pytest.mark.parametrize(
    "style, expected",
    [
        ("thinking_type", {"thinking": {"type": "disabled"}}),
        ("chat_template_kwargs", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("enable_thinking", {"enable_thinking": False}),
        ("none", {}),
    ],
)
def test_thinking_of_other_styles(style: ThinkingStyle, expected: dict[str, object]) -> None:
    """A deployment of another style is told in its own way, and in no other."""
    written = rewrite(Manner("m", style), thinking={"type": "disabled"})
    assert expected == {name: value for name, value in written.items() if "thinking" in name or "kwargs" in name}


@pytest.mark.parametrize("given, rest", [({"a": 1, "enable_thinking": False}, {"a": 1}), ("x", {})])
def test_template_arguments_of_the_caller_stay(given: object, rest: dict[str, object]) -> None:
    """Where the operator lets a caller's arguments cross, the switch is added to them."""
    manner = Manner("m", "chat_template_kwargs", ("chat_template_kwargs",))
    written = rewrite(manner, chat_template_kwargs=given)
    assert rest | {"enable_thinking": True} == written["chat_template_kwargs"]


SAMPLING = {"temperature": 0.3, "top_p": 0.5, "top_k": 9}


@pytest.mark.parametrize(
    "manner, thinking, expected",
    [
        (CLAUDE, "enabled", {}),
        (CLAUDE, "adaptive", {}),
        (CLAUDE, "disabled", SAMPLING),
        (Manner("m", "thinking_type"), "enabled", SAMPLING),
    ],
)
def test_sampling(manner: Manner, thinking: str, expected: dict[str, object]) -> None:
    """A server that takes no sampling beside thinking gets none; others get the final values."""
    written = rewrite(manner, thinking={"type": thinking}, **SAMPLING)
    assert expected == {name: value for name, value in written.items() if name in SAMPLING}


def test_forced_sampling() -> None:
    """Where thinking forces the sampling, the forced values go out whatever was asked."""
    body = json.dumps({"model": "m", "messages": [QUESTION], **SAMPLING}).encode()
    envelope = CODEC.read_envelope(body)
    manner = Manner("m", "thinking_type")
    written = json.loads(UPSTREAM.rewrite_request(envelope, CODEC.read_dialogue(envelope, TRAITS), manner))
    assert (written["temperature"], written["top_p"]) == (0.7, 0.9)


@pytest.mark.parametrize(
    "tools, choice, expected",
    [
        ([TOOL], {"type": "any"}, {"tools": [TOOL], "tool_choice": {"type": "any"}}),
        ([SEARCH, TOOL], {"type": "any"}, {"tools": [TOOL], "tool_choice": {"type": "any"}}),
        (
            [SEARCH, TOOL | {"type": "custom", "eager_input_streaming": True}],
            {"type": "tool", "name": "web_search"},
            {"tools": [TOOL | {"type": "custom", "eager_input_streaming": True}], "tool_choice": {"type": "auto"}},
        ),
        ([SEARCH], {"type": "auto"}, {}),
    ],
)
def test_server_tools_are_left_out(tools: object, choice: object, expected: dict[str, object]) -> None:
    """Tools that the protocol's maker runs never cross, nor the duty to call one; the caller's own stay as they are."""
    written = rewrite(tools=tools, tool_choice=choice)
    assert expected == {name: value for name, value in written.items() if name in ("tools", "tool_choice")}


FORM = {"type": "json_schema", "schema": {"type": "object"}}


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"output_config": {"effort": "high", "format": FORM}}, {"effort": "high", "format": FORM}),
        ({"output_format": FORM}, {"format": FORM}),
        ({"output_format": FORM, "output_config": {"effort": "low"}}, {"effort": "low", "format": FORM}),
        ({"output_format": None}, None),
    ],
)
def test_the_form_of_the_answer(fields: dict[str, object], expected: object) -> None:
    """The earlier name of the form is written in its new place."""
    assert expected == rewrite(**fields).get("output_config")
