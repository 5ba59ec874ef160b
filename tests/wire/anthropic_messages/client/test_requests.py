"""Requests: a dialogue of the other protocol becomes a request that servers of this one take."""

import json
from typing import Any

import msgspec
import pytest

from setaria.core.dialogue import (
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
from setaria.core.errors import InvalidRequest
from setaria.core.signatures import write_signature
from setaria.wire.anthropic_messages.client.thinking import clamp_budget
from setaria.wire.openai_chat import OpenAIChat
from setaria.wire.upstream_codec import Manner, ThinkingStyle
from tests.wire.anthropic_messages.asking import CODEC, TRAITS
from tests.wire.anthropic_messages.client.serving import UPSTREAM

VLLM = Manner("Qwen/Qwen3", "chat_template_kwargs")
CLAUDE = Manner("claude-x", "anthropic")
USER = Message("user", (Text("Hi"),))
CALL = Message("assistant", (Reasoning("Hm"), ToolCall("call.1:0", "read", '{"a": 1}')))
RESULT = Message("tool", (ToolResult("call.1:0", (Text("x"),)),))
SIGNED = Message("assistant", (Reasoning("Hm", "ab"), ToolCall("call_1", "read", "{}")))
TOOL = Tool("read", "Read a file.", b'{"type": "object", "properties": {"a": {}}}', strict=True)


def dialogue(*messages: Message, **fields: Any) -> Dialogue:  # any field of a dialogue
    """Make a dialogue with these fields in place of its own."""
    whole: dict[str, Any] = {"thinking": True, "max_output_tokens": 4000, "sampling": Sampling(1.2, 0.95)}
    return Dialogue(messages or (USER,), **(whole | fields))


def write(asked: Dialogue, manner: Manner = VLLM) -> dict[str, Any]:  # JSON as it is written
    """Write a request and read it as JSON."""
    return dict(json.loads(UPSTREAM.write_request(asked, manner, stream=True)))


def text(words: str) -> dict[str, str]:
    """Say what a block of text must be."""
    return {"type": "text", "text": words}


def test_a_plain_request() -> None:
    """A question becomes a request with all that servers demand and nothing they would refuse."""
    assert write(dialogue()) == {
        "model": "Qwen/Qwen3",
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "chat_template_kwargs": {"enable_thinking": True},
        "temperature": 1.2,
        "top_p": 0.95,
        "stream": True,
    }


def test_a_request_without_a_stream() -> None:
    """A whole answer is asked for as such."""
    assert json.loads(UPSTREAM.write_request(dialogue(), VLLM, stream=False))["stream"] is False


@pytest.mark.parametrize("asked", [(), (Message("system", (Text("Be brief."),)),)])
def test_any_json_is_asked_for_in_words(asked: tuple[Message, ...]) -> None:
    """The protocol has no form for JSON without a schema, so the system prompt ends with it."""
    plain = dialogue(*asked, USER)
    written = write(msgspec.structs.replace(plain, response_format=ResponseFormat("json_object")))
    *before, last = written["system"]
    assert (before, "one JSON object" in last["text"]) == (write(plain).get("system", []), True)
    assert "output_config" not in written


IMAGE = Image(url="data:image/PNG;base64,iVBO")
SYSTEM = Message("system", (Text("Be brief."),))


@pytest.mark.parametrize(
    "messages, system, turns",
    [
        ([SYSTEM, SYSTEM, USER], [text("Be brief.")] * 2, [("user", [text("Hi")])]),
        ([SYSTEM], None, [("user", [text("<system>\nBe brief.\n</system>")])]),
        (
            [USER, SYSTEM, Message("assistant", (Text("Ho"),)), USER, USER],
            None,
            [
                ("user", [text("Hi"), text("<system>\nBe brief.\n</system>")]),
                ("assistant", [text("Ho")]),
                ("user", [text("Hi"), text("Hi")]),
            ],
        ),
        (
            [USER, Message("assistant", (Text(" \n"),)), Message("assistant", ()), USER],
            None,
            [("user", [text("Hi"), text("Hi")])],
        ),
        (
            [USER, CALL, USER, RESULT, Message("tool", (ToolResult("b", (), is_error=True),))],
            None,
            [
                ("user", [text("Hi")]),
                (
                    "assistant",
                    [
                        {"type": "thinking", "thinking": "Hm", "signature": ""},
                        {"type": "tool_use", "id": "call_1_0", "name": "read", "input": {"a": 1}},
                    ],
                ),
                (
                    "user",
                    [
                        {"type": "tool_result", "tool_use_id": "call_1_0", "content": "x"},
                        {"type": "tool_result", "tool_use_id": "b", "is_error": True},
                        text("Hi"),
                    ],
                ),
            ],
        ),
        (
            [Message("tool", (ToolResult("a", (Text("x"), Image(url="https://a/b.png"), Text(""))),))],
            None,
            [
                (
                    "user",
                    [
                        {
                            "type": "tool_result",
                            "tool_use_id": "a",
                            "content": [
                                text("x"),
                                {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
                            ],
                        }
                    ],
                )
            ],
        ),
        (
            [Message("user", (IMAGE, Image(data="/9j/", media_type="image/jpeg")))],
            None,
            [
                (
                    "user",
                    [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}},
                    ],
                )
            ],
        ),
        (
            [
                Message("user", (Opaque("document", b'{"type": "document", "source": {}}'), Text("?"))),
                Message("assistant", (Opaque("redacted_thinking", b'{"type": "redacted_thinking", "data": "x"}'),)),
            ],
            None,
            [
                ("user", [{"type": "document", "source": {}}, text("?")]),
                ("assistant", [{"type": "redacted_thinking", "data": "x"}]),
            ],
        ),
        (
            [Message("assistant", (ToolCall("a", "b", '{"cut'),))],
            None,
            [("assistant", [{"type": "tool_use", "id": "a", "name": "b", "input": {"_raw": '{"cut'}}])],
        ),
    ],
)
def test_turns(
    messages: list[Message], system: list[dict[str, str]] | None, turns: list[tuple[str, list[object]]]
) -> None:
    """Turns alternate, results come first, and system messages stand where the protocol has a place for them."""
    written = write(dialogue(*messages))
    assert system == written.get("system")
    assert turns == [(turn["role"], turn["content"]) for turn in written["messages"]]


@pytest.mark.parametrize(
    "style, kept",
    [
        ("anthropic", [SIGNED]),
        ("none", [SIGNED]),
        ("thinking_type", [CALL, SIGNED]),
        ("enable_thinking", [CALL, SIGNED]),
    ],
)
def test_thinking_that_comes_back(style: ThinkingStyle, kept: list[Message]) -> None:
    """Signed thinking always goes back to the server; unsigned to those that do not check it."""
    for message in (CALL, SIGNED):
        content = write(dialogue(USER, message), Manner("m", style))["messages"][1]["content"]
        assert (message in kept) == any(block["type"] == "thinking" for block in content)


def test_thinking_that_we_signed() -> None:
    """What we signed for a model that does not sign does not go to a server that checks it, and counts as missing."""
    ours = Message("assistant", (Reasoning("Hm", write_signature("a", bytes(32))), *CALL.blocks[1:]))
    written = write(dialogue(USER, ours, RESULT), Manner("m", "anthropic", own_signers=("a",)))
    assert [block["type"] for block in written["messages"][1]["content"]] == ["tool_use"]
    assert written["thinking"] == {"type": "disabled"}


def test_sound_is_refused() -> None:
    """What the protocol has no place for is refused by name."""
    with pytest.raises(InvalidRequest, match="input_audio"):
        write(dialogue(Message("user", (Opaque("input_audio", b"{}"),))))


@pytest.mark.parametrize(
    "choice, expected",
    [
        (ToolChoice(), {"type": "auto"}),
        (ToolChoice(parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("none", parallel=False), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", "read"), {"type": "tool", "name": "read"}),
    ],
)
def test_tools(choice: ToolChoice, expected: dict[str, object]) -> None:
    """Tools keep their schemas, one without is an empty object, and the choice has the protocol's words."""
    written = write(dialogue(tools=(TOOL, Tool("list"), Tool("any", parameters=b'{"a": 1}')), tool_choice=choice))
    assert expected == written["tool_choice"]
    assert written["tools"] == [
        {
            "name": "read",
            "description": "Read a file.",
            "input_schema": {"type": "object", "properties": {"a": {}}},
            "strict": True,
        },
        {"name": "list", "input_schema": {"type": "object"}},
        {"name": "any", "input_schema": {"type": "object", "a": 1}},
    ]


@pytest.mark.parametrize(
    "style, on, expected",
    [
        ("anthropic", True, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ("anthropic", False, {"thinking": {"type": "disabled"}, "temperature": 1.0}),
        ("thinking_type", True, {"thinking": {"type": "enabled"}, "temperature": 1.2, "top_p": 0.95}),
        ("thinking_type", False, {"thinking": {"type": "disabled"}, "temperature": 1.2, "top_p": 0.95}),
        (
            "chat_template_kwargs",
            False,
            {"chat_template_kwargs": {"enable_thinking": False}, "temperature": 1.2, "top_p": 0.95},
        ),
        ("enable_thinking", True, {"enable_thinking": True, "temperature": 1.2, "top_p": 0.95}),
        ("reasoning_effort", True, {"reasoning_effort": "medium", "temperature": 1.2, "top_p": 0.95}),
        ("reasoning_effort", False, {"reasoning_effort": "none", "temperature": 1.2, "top_p": 0.95}),
        ("none", True, {"temperature": 1.2, "top_p": 0.95}),
    ],
)
def test_thinking_is_switched(style: ThinkingStyle, on: bool, expected: dict[str, object]) -> None:
    """Each style has its own switch, and the one that takes no sampling beside thinking gets none."""
    written = write(dialogue(thinking=on), Manner("m", style))
    for name in ("model", "max_tokens", "messages", "stream"):
        del written[name]
    assert expected == written


@pytest.mark.parametrize(
    "asked, expected",
    [
        (dialogue(USER, CALL, RESULT), False),
        (dialogue(USER, SIGNED, RESULT), True),
        (
            dialogue(
                USER, Message("assistant", (Opaque("redacted_thinking", b'{"type":"redacted_thinking"}'),)), RESULT
            ),
            True,
        ),
        (dialogue(USER, CALL, RESULT, Message("assistant", (Text("Ho"),)), USER), True),
        (dialogue(USER, Message("assistant", (Text("The answer is"),))), False),
        (dialogue(RESULT), True),
        (dialogue(Message("user", (Text(""),))), True),
        (dialogue(tool_choice=ToolChoice("required"), tools=(TOOL,)), False),
        (dialogue(tool_choice=ToolChoice("named", "read"), tools=(TOOL,)), False),
        (dialogue(max_output_tokens=1024), False),
    ],
)
def test_where_a_checking_server_may_not_think(asked: Dialogue, expected: bool) -> None:
    """Thinking is off where such a server would refuse the request for it: no call fails for want of a signature."""
    assert ("enabled" if expected else "disabled") == write(asked, CLAUDE)["thinking"]["type"]


@pytest.mark.parametrize(
    "budget_tokens, max_tokens, expected",
    [(500, 4000, 1024), (2000, 4000, 2000), (32000, 32000, 31999), (500, 1025, 1024), (500, 1024, None)],
)
def test_budgets(budget_tokens: int, max_tokens: int, expected: int | None) -> None:
    """A budget is at least 1024 and below the limit, or there is none."""
    assert expected == clamp_budget(budget_tokens, max_tokens)


def test_stop_sequences_and_form() -> None:
    """Stop strings and a schema for the answer are asked for; a form without a schema has no place in the protocol."""
    form = ResponseFormat("json_schema", b'{"type": "object"}')
    written = write(dialogue(sampling=Sampling(1, 1, stop=("END",)), response_format=form))
    assert written["stop_sequences"] == ["END"]
    assert written["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert "output_config" not in write(dialogue(response_format=ResponseFormat("json_object")))


def test_a_dialogue_comes_back() -> None:
    """What is written is read by our own server side as the same dialogue."""
    asked = dialogue(
        SYSTEM,
        Message("user", (Text("Hi"), Image(url="https://a/b.png"))),
        Message("assistant", (Reasoning("Hm", "ab"), Text("Ho"), ToolCall("call_1", "read", '{"a": 1}'))),
        Message("tool", (ToolResult("call_1", (Text("x"),), is_error=True),)),
        Message("user", (Text("Go on"), Opaque("document", b'{"type":"document"}'))),
        tools=(TOOL,),
        tool_choice=ToolChoice("required", parallel=False),
        sampling=Sampling(0.7, 0.9, stop=("END",)),
        response_format=ResponseFormat("json_schema", b'{"type":"object"}'),
    )
    body = UPSTREAM.write_request(asked, Manner("m", "thinking_type"), stream=False)
    again = CODEC.read_dialogue(CODEC.read_envelope(body), TRAITS)
    assert msgspec.structs.replace(asked, tools=again.tools) == again
    assert [json.loads(tool.parameters) for tool in asked.tools] == [
        json.loads(tool.parameters) for tool in again.tools
    ]


def test_a_tool_loop_of_the_other_protocol() -> None:
    """A whole tool loop of an OpenAI client is asked in this protocol, with nothing of it lost."""
    codec = OpenAIChat()
    made = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path": "a"}'}}
    body = {
        "model": "m",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look"}]},
            {"role": "assistant", "content": None, "reasoning_content": "Hm", "tool_calls": [made, made | {"id": "b"}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "two"}]},
        ],
        "tools": [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}],
    }
    asked = codec.read_dialogue(codec.read_envelope(json.dumps(body).encode()), TRAITS)
    written = UPSTREAM.write_request(asked, Manner("m", "thinking_type"), stream=True)
    again = CODEC.read_dialogue(CODEC.read_envelope(written), TRAITS)
    joined = Message("tool", asked.messages[3].blocks + asked.messages[4].blocks)
    assert (*asked.messages[:3], joined) == again.messages
    assert [tool.name for tool in asked.tools] == [tool.name for tool in again.tools]
