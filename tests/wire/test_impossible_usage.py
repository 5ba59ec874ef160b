"""Impossible usage: counts that no call can have taken are named, whichever protocol and reading they come by."""

import json

import msgspec
import pytest

from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.wire.anthropic_messages.client.codec import AnthropicUpstream
from setaria.wire.impossible_usage import find_impossible, find_impossible_in
from setaria.wire.openai_chat.client.codec import OpenAIUpstream
from setaria.wire.upstream_codec import EventReader, RelayReader


@pytest.mark.parametrize(
    "usage, named",
    [
        (None, ""),
        ([], ""),
        ({"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}, ""),
        ({"prompt_tokens": 1_000_000_000, "completion_tokens": True, "total_tokens": None}, ""),
        ({"prompt_tokens": -5, "completion_tokens": 7}, "prompt_tokens -5"),
        ({"input_tokens": 1, "output_tokens": 1_000_000_001}, "output_tokens 1000000001"),
        ({"prompt_tokens": 1e30, "total_tokens": -0.5}, "prompt_tokens 1e+30, total_tokens -0.5"),
        ({"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": -1, "audio": -2}}, "cached_tokens -1"),
        ({"max_tokens": -1, "secret": -5, "service_tier": "standard"}, ""),
    ],
)
def test_what_can_not_be_true_is_named(usage: object, named: str) -> None:
    """By itself, and in a whole answer; nothing but names that are known and numbers is told."""
    assert find_impossible(usage) == named
    assert find_impossible_in(json.dumps({"id": "a", "usage": usage}).encode()) == named


def test_a_tool_s_arguments_are_no_usage() -> None:
    """A whole answer may hold the same names elsewhere."""
    told = {"content": [{"type": "tool_use", "input": {"prompt_tokens": -5}}], "usage": {"input_tokens": 5}}
    assert find_impossible_in(msgspec.json.encode(told)) == ""
    told["content"] = [{"type": "tool_use", "input": {"usage": {"prompt_tokens": -5}}}]
    assert find_impossible_in(msgspec.json.encode(told)) == ""
    assert find_impossible_in(b'{"content":[]}') == ""


OPENAI = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"model":"m"}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"model":"m"}\n\n'
    b'data: {"choices":[],"model":"m","usage":{"prompt_tokens":-5,"completion_tokens":7,"total_tokens":-1}}\n\n'
    b"data: [DONE]\n\n"
)
ANTHROPIC_START = (
    b"event: message_start\n"
    b'data: {"type":"message_start","message":{"id":"a","type":"message","role":"assistant","model":"m","content":[],'
    b'"usage":{"input_tokens":%b,"output_tokens":1}}}\n\n'
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b"event: message_delta\n"
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":%b}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
ASKED = Dialogue((Message("user", (Text("Hello"),)),), False, 100, Sampling(1.0, 0.95))


@pytest.mark.parametrize(
    "upstream, stream, named",
    [
        (OpenAIUpstream(), OPENAI, "prompt_tokens -5, total_tokens -1"),
        (OpenAIUpstream(), OPENAI.replace(b"-5", b"5").replace(b"-1", b"12"), ""),
        (AnthropicUpstream(), ANTHROPIC_START % (b"-5", b"2"), "input_tokens -5"),
        (AnthropicUpstream(), ANTHROPIC_START % (b"5", b"12345678901"), "output_tokens 12345678901"),
        (AnthropicUpstream(), ANTHROPIC_START % (b"5", b"2"), ""),
    ],
)
def test_a_stream_s_impossible_counts_are_kept(
    upstream: OpenAIUpstream | AnthropicUpstream, stream: bytes, named: str
) -> None:
    """However it is read."""
    readers: list[EventReader | RelayReader] = [upstream.open_reader(ASKED), upstream.open_relay("m", 3)]
    for reader in readers:
        assert reader.doubt == ""
        reader.feed(stream)
        reader.close()
        assert reader.doubt == named
