"""Transcripts: streams as real servers write them, and the events that they must become.

Source: platform.claude.com/docs/en/build-with-claude/streaming; vllm/entrypoints/anthropic/serving.py; the reference
platform's and DeepSeek's documents of their Anthropic endpoints; all read November 2026.
"""

import json

from setaria.core.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.usage import Usage
from tests.wire.anthropic_messages.client.serving import PING, STOP, begin, delta, end, ending, said, start

ANTHROPIC = b"".join(
    [
        start(
            {"input_tokens": 5, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 100, "output_tokens": 8}
        ),
        PING,
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="The user\u2028asks"),
        delta(0, "thinking_delta", thinking=" for 谷子."),
        delta(0, "signature_delta", signature="EqQBCgIYAhIM1gbcDa9GJwZA2b3h"),
        end(0),
        begin(1, type="redacted_thinking", data="EmwKAhgBEgy3va3pzix"),
        end(1),
        begin(2, type="text", text=""),
        delta(2, "text_delta", text="I will "),
        delta(2, "citations_delta", citation={"type": "char_location", "cited_text": "x"}),
        delta(2, "text_delta", text="look."),
        end(2),
        begin(3, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(3, "input_json_delta", partial_json='{"query":"x"}'),
        end(3),
        begin(4, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
        end(4),
        begin(5, type="tool_use", id="toolu_1", name="get_weather", input={}),
        delta(5, "input_json_delta", partial_json=""),
        delta(5, "input_json_delta", partial_json='{"location":'),
        delta(5, "input_json_delta", partial_json=' "San Francisco"}'),
        end(5),
        begin(6, type="tool_use", id="toolu_2", name="get_time", input={}),
        delta(6, "input_json_delta", partial_json=""),
        end(6),
        ending("tool_use", {"output_tokens": 89, "output_tokens_details": {"thinking_tokens": 33}}),
        STOP,
    ]
)
ANTHROPIC_EVENTS: list[Event] = [
    ReasoningDelta("The user\u2028asks"),
    ReasoningDelta(" for 谷子."),
    ReasoningSignature("EqQBCgIYAhIM1gbcDa9GJwZA2b3h"),
    TextDelta("I will "),
    TextDelta("look."),
    ToolCallStart(0, "toolu_1", "get_weather"),
    ToolCallDelta(0, '{"location":'),
    ToolCallDelta(0, ' "San Francisco"}'),
    ToolCallStart(1, "toolu_2", "get_time"),
    ToolCallDelta(1, "{}"),
    Finish("tool_calls"),
    UsageReport(Usage(5, 100, 30, 89, 33), "upstream"),
]
VLLM = b"".join(
    b"event: %b\ndata: %b\n\n" % (json.loads(data)["type"].encode(), data)
    for data in (
        (
            b'{"type":"message_start","message":{"id":"chatcmpl-8c1","content":[],"model":"Qwen/Qwen3","stop_reason":null,'
            b'"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":0}}}'
        ),
        b'{"type":"content_block_start","content_block":{"type":"thinking","thinking":""},"index":0}',
        b'{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"Hm"},"index":0}',
        b'{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"5f0c"},"index":0}',
        b'{"type":"content_block_stop","index":0}',
        (
            b'{"type":"content_block_start","content_block":{"type":"tool_use","id":"chatcmpl-tool-1","input":{},'
            b'"name":"read"},"index":1}'
        ),
        (
            b'{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{\\"path\\": \\"a\\"}"},'
            b'"index":1}'
        ),
        b'{"type":"content_block_stop","index":1}',
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"output_tokens":9}}',
        b'{"type":"message_stop"}',
    )
)
VLLM_EVENTS: list[Event] = [
    ReasoningDelta("Hm"),
    ReasoningSignature("5f0c"),
    ToolCallStart(0, "chatcmpl-tool-1", "read"),
    ToolCallDelta(0, '{"path": "a"}'),
    Finish("tool_calls"),
    UsageReport(Usage(12, output_tokens=9), "upstream"),
]
MIMO = b"".join(
    [
        start({"input_tokens": 0, "output_tokens": 0}),
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        end(0),
        said("Hi", 1),
        ending(usage={"input_tokens": 4, "output_tokens": 7, "cache_read_input_tokens": 1081}),
        STOP,
    ]
)
MIMO_EVENTS: list[Event] = [
    ReasoningDelta("Hm"),
    TextDelta("Hi"),
    Finish("stop"),
    UsageReport(Usage(4, 1081, 0, 7), "upstream"),
]
TRANSCRIPTS = [(ANTHROPIC, ANTHROPIC_EVENTS), (VLLM, VLLM_EVENTS), (MIMO, MIMO_EVENTS)]
