"""Hostile clients: whatever a caller says in place of what it should say is a request or a refusal, never a defect.

Good requests of both protocols are changed at any place of their JSON, and what is still a request is written for model
servers of both protocols and every way to switch thinking.
"""

import json
from random import Random
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setaria.core.entries import ThinkingStyle
from setaria.core.errors import CallerError
from setaria.core.estimate import estimate_dialogue
from setaria.core.protocol import ProtocolName
from setaria.core.traits import Traits
from setaria.gateway.clamp import clamp_output
from setaria.wire.upstream_codec import Manner
from tests.adapters.upstreams.http.asking import CODECS as UPSTREAM_CODECS
from tests.fakes.platform import CODECS
from tests.wire.hostile_json import change

FUZZED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CAPABLE = Traits(100_000, 4096, 1024, frozenset({"tools", "thinking", "json", "image"}), thinking_default=True)
PLAIN = Traits(8192, 1024, 512, frozenset({"json"}))
STYLES: tuple[ThinkingStyle, ...] = get_args(ThinkingStyle)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
IMAGE = "data:image/png;base64,iVBORw0KGgo="
GOOD: dict[ProtocolName, dict[str, object]] = {
    "openai_chat": {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["a", "b"],
        "seed": 5,
        "thinking": {"type": "enabled"},
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA, "strict": True}},
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": True,
        "user": "u",
        "messages": [
            {"role": "system", "content": "s"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": IMAGE}}],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "r",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city":"P"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "18"}]},
            {"role": "assistant", "content": "warm"},
            {"role": "user", "content": "Thanks"},
        ],
    },
    "anthropic_messages": {
        "model": "m",
        "stream": True,
        "max_tokens": 100,
        "temperature": 1.0,
        "top_p": 0.9,
        "top_k": 5,
        "stop_sequences": ["a"],
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "enabled", "budget_tokens": 50},
        "metadata": {"user_id": "u"},
        "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "messages": [
            {"role": "user", "content": "t"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "r", "signature": "c2ln"},
                    {"type": "text", "text": "x"},
                    {"type": "tool_use", "id": "c1", "name": "f", "input": {"city": "P"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "c1",
                        "content": [{"type": "text", "text": "18"}],
                        "is_error": False,
                    },
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                    {"type": "text", "text": "Thanks"},
                ],
            },
        ],
    },
}


def ask(protocol: ProtocolName, body: bytes, traits: Traits) -> None:
    """Read a request as the gateway does, and write it for every kind of model server."""
    codec = CODECS[protocol]
    envelope = codec.read_envelope(body)
    dialogue = codec.read_dialogue(envelope, traits)
    dialogue = clamp_output(dialogue, estimate_dialogue(dialogue), traits.context_tokens)
    for style in STYLES:
        manner = Manner("there", style)
        for upstream in UPSTREAM_CODECS.values():
            try:
                json.loads(upstream.write_request(dialogue, manner, stream=envelope.stream))
            except CallerError:
                continue
            if upstream.name == protocol:
                json.loads(upstream.rewrite_request(envelope, dialogue, manner))


@pytest.mark.parametrize("protocol", GOOD)
@FUZZED
@given(draw=st.randoms(use_true_random=False), traits=st.sampled_from([CAPABLE, PLAIN]))
def test_any_request(protocol: ProtocolName, draw: Random, traits: Traits) -> None:
    """Every body is a request or a refusal whose words can be told."""
    body: object = GOOD[protocol]
    for _ in range(draw.randrange(5)):
        body = change(body, draw)
    try:
        ask(protocol, json.dumps(body).encode(), traits)
    except CallerError as error:
        json.loads(CODECS[protocol].write_error(error, "0" * 32)[1])  # type: ignore[arg-type]  # any text will do
