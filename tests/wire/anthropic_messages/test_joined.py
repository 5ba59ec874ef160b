"""Joined: a relayed stream becomes the message that the model server would have given whole."""

import json
from typing import Any

import pytest

from setaria.core.answer import AnswerBuilder
from setaria.core.events import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.usage import Usage
from setaria.wire.codec import Joiner
from tests.wire.anthropic_messages.asking import CODEC, HEAD
from tests.wire.anthropic_messages.client.serving import PING, STOP, begin, delta, end, ending, frame, said, start

USAGE = Usage(25, output_tokens=9)
TOLD = {"input_tokens": 25, "output_tokens": 15}
COUNTS = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def join(*events: bytes, reason: FinishReason | None = None) -> dict[str, Any]:  # JSON as it is written
    """Join a stream of these events."""
    joiner: Joiner = CODEC.open_joiner(HEAD)
    for each in events:
        joiner.add(each)
    return dict(json.loads(joiner.close(USAGE, reason)))


def test_a_message_keeps_the_words_of_its_server() -> None:
    """Ids, blocks and fields are those of the server, known here or not."""
    message = join(
        start(),
        PING,
        begin(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="H"),
        delta(0, "thinking_delta", thinking="m"),
        delta(0, "signature_delta", signature="ab"),
        end(0) + begin(1, type="redacted_thinking", data="x") + end(1),
        begin(2, type="text", text="", citations=[]),
        delta(2, "text_delta", text="Ho"),
        delta(2, "citations_delta", citation={"cited_text": "a"}),
        end(2),
        begin(3, type="tool_use", id="toolu_1", name="read", input={}, caller={"type": "direct"}),
        delta(3, "input_json_delta", partial_json='{"a"'),
        delta(3, "input_json_delta", partial_json=":1}"),
        end(3) + begin(4, type="tool_use", id="toolu_2", name="list", input={}) + end(4),
        frame({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 15}, "x": 1}),
        STOP,
    )
    assert message == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "ab"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Ho", "citations": [{"cited_text": "a"}]},
            {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"a": 1}, "caller": {"type": "direct"}},
            {"type": "tool_use", "id": "toolu_2", "name": "list", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": TOLD | COUNTS,
        "x": 1,
    }


TEXT = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize(
    "events, expected",
    [
        ([said("Hi"), said("Hi", 0)], [TEXT, TEXT]),
        ([said(""), begin(1, type="text") + end(1)], []),
        ([begin(0, type="text", text="H"), delta(0, "text_delta", text="i")], [TEXT]),
        ([delta(0, "text_delta", text="Hi")], [TEXT]),
        ([begin(0, type="tool_use", id="a", name="b"), delta(0, "text_delta", text="Hi")],
         [{"type": "tool_use", "id": "a", "name": "b"}, TEXT]),
        ([delta(0, "thinking_delta", thinking="Hm")], [{"type": "thinking", "thinking": "Hm"}]),
        ([delta(0, "signature_delta", signature="a"), delta(0, "input_json_delta", partial_json="{}")], []),
        ([begin(0, type="text", text="Hi"), delta(0, "citations_delta", citation=1)], [TEXT | {"citations": [1]}]),
        ([begin(0, type="tool_use", id="a", name="b"), delta(0, "input_json_delta", partial_json='{"cut')],
         [{"type": "tool_use", "id": "a", "name": "b", "input": {"_raw": '{"cut'}}]),
        ([frame({"type": "content_block_start"}), frame({"type": "content_block_delta", "delta": {"type": []}})], []),
        ([frame({"type": ["x"]}), b"data: [1]\n\n", b"data: {\n\n"], []),
    ],
)  # fmt: skip
def test_blocks(events: list[bytes], expected: list[object]) -> None:
    """Blocks are put together from their pieces, as tolerantly as streams are read."""
    assert expected == join(start(), *events, ending())["content"]


@pytest.mark.parametrize(
    "events, expected",
    [
        ([said("Hi"), STOP], ("end_turn", None, {"input_tokens": 25, "output_tokens": 9})),
        ([begin(0, type="tool_use", id="a", name="b"), STOP], ("tool_use", None, {"output_tokens": 9})),
        ([said("Hi"), ending("stop_sequence", stop_sequence="END")], ("stop_sequence", "END", TOLD)),
        ([ending(usage={"input_tokens": 3, "output_tokens": 4})], ("end_turn", None, {"input_tokens": 3})),
    ],
)
def test_endings(events: list[bytes], expected: tuple[str, str | None, dict[str, int]]) -> None:
    """A reason and an output that the server did not tell are ours."""
    message = join(start(), *events)
    assert expected[:2] == (message["stop_reason"], message["stop_sequence"])
    assert expected[2].items() <= message["usage"].items()


def test_a_message_that_is_cut() -> None:
    """What ends before the server ended it says so, and what it took is what was counted here."""
    message = join(start(), begin(0, type="text", text="Hi"), reason="length")
    assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("max_tokens", 9)


def test_a_message_without_a_start() -> None:
    """Where the server told nothing of its message, that is ours."""
    message = join(said("Hi"), ending())
    assert (message["model"], message["role"], message["usage"]["input_tokens"]) == ("seedling", "assistant", 25)
    assert message["id"].startswith("msg_")


def test_our_own_streams_come_back_whole() -> None:
    """What our server side writes as a stream is joined to what it writes at once."""
    events: list[Event] = [
        ReasoningDelta("H"),
        ReasoningDelta("m"),
        ReasoningSignature("ab"),
        TextDelta("Ho"),
        TextDelta("!"),
        ToolCallStart(0, "call_1", "read"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ":1}"),
        ToolCallStart(1, "call_2", "list"),
        ToolCallDelta(1, "{}"),
        Finish("tool_calls"),
        UsageReport(USAGE, "upstream"),
    ]
    writer, builder = CODEC.open_stream(HEAD), AnswerBuilder()
    for event in events:
        builder.add(event)
    joined = join(writer.open(), *map(writer.write, events), writer.close())
    assert joined == json.loads(CODEC.write_answer(HEAD, builder.build())) | {"id": joined["id"]}
