"""Rewrite: a request of this protocol goes on with its own bytes, but for what must change."""

import msgspec
import pytest

from setaria.core.traits import Traits
from setaria.wire.openai_chat import OpenAIChat
from setaria.wire.openai_chat.client import OpenAIUpstream
from setaria.wire.upstream_codec import Manner, ThinkingStyle
from tests.wire.openai_chat.asking import CAPABLE, tool

FREE = msgspec.structs.replace(CAPABLE, forces_sampling=False)
ON, OFF = {"type": "enabled"}, {"type": "disabled"}
TAIL = b',"temperature":1.0,"top_p":0.95'


def rewrite(
    body: bytes, style: ThinkingStyle = "none", pass_fields: tuple[str, ...] = (), traits: Traits = FREE
) -> bytes:
    """Rewrite a request as the gateway does."""
    codec = OpenAIChat()
    envelope = codec.read_envelope(body)
    dialogue = codec.read_dialogue(envelope, traits)
    return OpenAIUpstream().rewrite_request(envelope, dialogue, Manner("org/M", style, pass_fields))


def rewritten(
    fields: dict[str, object], style: ThinkingStyle = "none", pass_fields: tuple[str, ...] = ()
) -> dict[str, object]:
    """Rewrite a request with these fields beside a greeting and read its fields, all but those of every request."""
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields})
    read: dict[str, object] = msgspec.json.decode(rewrite(body, style, pass_fields))
    always = {"model", "messages", "temperature", "top_p"} | ({"max_tokens"} - fields.keys())
    return {name: value for name, value in read.items() if name not in always}


def test_what_stays_keeps_its_place_and_its_bytes() -> None:
    """Only the model's name, unknown fields, duplicates and the options of the stream change."""
    body = (
        b'{"top_p": 0.950, "messages" : [ {"role":"user","content":"\\u0041", "x":1.0} ],"metadata":{"a":1},'
        b'"stop":"no","model":"m","stream":true, "stop" : [ "END" ],"max_tokens":50,"temperature":1e0,'
        b'"stream_options":{"chunk": 1.50,"include_usage":false},"service_tier":"priority"}'
    )
    assert rewrite(body) == (
        b'{"top_p":0.950,"messages":[ {"role":"user","content":"\\u0041", "x":1.0} ],'
        b'"stop":[ "END" ],"model":"org/M","max_tokens":50,"temperature":1e0,'
        b'"stream":true,"stream_options":{"chunk":1.50,"include_usage":true}}'
    )


def test_a_request_without_stream_has_no_options_of_one() -> None:
    """Servers refuse `stream_options` beside `stream: false`."""
    assert rewritten({"stream": False, "stream_options": {"include_usage": True}}) == {}


@pytest.mark.parametrize(
    "asked, sent",
    [
        ({}, {"max_tokens": 32_768}),
        ({"max_tokens": 10}, {"max_tokens": 10}),
        ({"max_tokens": 10**9}, {"max_tokens": 131_072}),
        ({"max_completion_tokens": 10**9}, {"max_completion_tokens": 131_072}),
        ({"max_tokens": 10, "max_completion_tokens": 20}, {"max_completion_tokens": 20}),
        ({"max_tokens": 10, "max_completion_tokens": None}, {"max_tokens": 10}),
    ],
)
def test_the_limit_is_clamped_under_the_name_that_was_used(asked: dict[str, object], sent: dict[str, object]) -> None:
    """Of both names the second counts, and only one goes out, for servers refuse both."""
    read = msgspec.json.decode(
        rewrite(msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **asked}))
    )
    assert {name: value for name, value in read.items() if name.startswith("max_")} == sent


@pytest.mark.parametrize(
    "sampling, sent",
    [
        (b"", TAIL),
        (b',"temperature":0.20,"top_p":null', b',"temperature":1.0,"top_p":0.95'),
        (b',"temperature":"hot","top_p":0.95', b',"temperature":1.0,"top_p":0.95'),
    ],
)
def test_forced_sampling_is_written(sampling: bytes, sent: bytes) -> None:
    """While thinking forces the sampling, what the caller says of it does not reach the server."""
    head, tail = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":9', b"}"
    expected = head.replace(b'"m"', b'"org/M"', 1) + sent + tail
    assert rewrite(head + sampling + tail, traits=CAPABLE) == expected


def test_unknown_fields_pass_where_they_may() -> None:
    """A field that could spend the operator's money passes only by his word."""
    unknown: dict[str, object] = {"service_tier": "priority", "top_k": 5, "user": "ann"}
    assert (rewritten(unknown), rewritten(unknown, pass_fields=("top_k",))) == ({}, {"top_k": 5})


@pytest.mark.parametrize(
    "style, asked, sent",
    [
        ("none", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, {}),
        ("thinking_type", {}, {"thinking": {"type": "enabled"}}),
        (
            "thinking_type",
            {"thinking": {"type": "adaptive", "budget_tokens": 9}},
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
        ),
        ("thinking_type", {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ("enable_thinking", {"reasoning_effort": "none"}, {"enable_thinking": False}),
        ("reasoning_effort", {"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ("reasoning_effort", {"thinking": OFF, "reasoning_effort": "high"}, {"reasoning_effort": "none"}),
        ("reasoning_effort", {"thinking": ON, "reasoning_effort": "none"}, {"reasoning_effort": "medium"}),
        (
            "chat_template_kwargs",
            {"chat_template_kwargs": {"a": 1}, "thinking": {"type": "disabled"}},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
    ],
)  # fmt: skip
def test_thinking_is_switched_in_the_deployments_own_way(
    style: ThinkingStyle, asked: dict[str, object], sent: dict[str, object]
) -> None:
    """What the caller says beside on and off is kept."""
    assert rewritten(asked, style) == sent


@pytest.mark.parametrize(
    "kwargs, sent",
    [
        ({"a": 1}, {"a": 1, "enable_thinking": True}),
        ({"enable_thinking": False}, {"enable_thinking": False}),
        ("odd", {"enable_thinking": True}),
    ],
)
def test_template_arguments_are_merged_where_they_may_pass(kwargs: object, sent: dict[str, object]) -> None:
    """A caller who may set them directly has the last word."""
    read = rewritten({"chat_template_kwargs": kwargs}, "chat_template_kwargs", ("chat_template_kwargs",))
    assert read == {"chat_template_kwargs": sent}


@pytest.mark.parametrize(
    "asked, sent",
    [
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, set()),
        ({"tools": [tool("f")], "tool_choice": "auto"}, {"tools", "tool_choice"}),
        ({"tools": [tool("f")], "tool_choice": "any"}, {"tools"}),
        ({"tools": [tool("f")], "tool_choice": {"type": "allowed_tools"}}, {"tools"}),
        ({"tools": [tool("f")], "tool_choice": "required", "parallel_tool_calls": False},
         {"tools", "tool_choice", "parallel_tool_calls"}),
    ],
)  # fmt: skip
def test_tools_cross_where_there_are_some(asked: dict[str, object], sent: set[str]) -> None:
    """An empty list, and a choice of a form that behaves as `auto`, are left out: servers refuse them."""
    assert set(rewritten(asked)) == sent


def test_messages_change_only_where_open_servers_would_stumble() -> None:
    """The role `developer` becomes `system`; reasoning goes out under vLLM's name for it, too."""
    asked = (
        b'[{"role":"developer","content":"a"},{"role":"user","content":"\\u0041"},'
        b'{"role":"assistant","content":"b","reasoning_content":"R"},{"role":"user","content":"c"},'
        b'{"role":"assistant","content":"d","reasoning_content":"R","reasoning":"S"},'
        b'{"role":"assistant","content":"e","reasoning_content":null}]'
    )
    sent = asked.replace(b"developer", b"system").replace(
        b'"b","reasoning_content":"R"', b'"b","reasoning_content":"R","reasoning":"R"'
    )
    body = rewrite(b'{"model":"m","max_tokens":9,"messages":' + asked + TAIL + b"}")
    assert body == b'{"model":"org/M","max_tokens":9,"messages":' + sent + TAIL + b"}"
