"""Joined: a relayed stream becomes the answer that the model server would have given whole."""

import json
from typing import Any

import pytest

from setaria.core.answer import AnswerBuilder
from setaria.core.events import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.wire.codec import Joiner
from setaria.wire.openai_chat import OpenAIChat
from tests.wire.openai_chat.telling import CALL_ID, HEAD, USAGE, USAGE_SHAPE

CODEC = OpenAIChat()
TOLD = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def join(*chunks: object, reason: FinishReason | None = None) -> dict[str, Any]:  # JSON as it is written
    """Join a stream of these chunks; bytes are sent as they are."""
    joiner: Joiner = CODEC.open_joiner(HEAD)
    for each in chunks:
        joiner.add(each if isinstance(each, bytes) else b"data: " + json.dumps(each).encode() + b"\n\n")
    return dict(json.loads(joiner.close(USAGE, reason)))


def chunk(delta: object, **fields: object) -> dict[str, object]:
    """Write a chunk."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None} | fields]}


def call(index: object, call_id: object, name: object, arguments: object) -> dict[str, object]:
    """Write a chunk with a piece of a call."""
    return chunk({"tool_calls": [{"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}]})


def called(call_id: str, name: str, arguments: str) -> dict[str, object]:
    """Say what a call must come to."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_an_answer_keeps_the_words_of_its_server() -> None:
    """Ids, unknown fields and the usage are those of the server; the model's name is the public one."""
    head = {"id": "up-1", "object": "chat.completion.chunk", "created": 7, "model": "up", "service_tier": None}
    answer = join(
        head | chunk({"role": "assistant", "content": ""}),
        b": keep-alive\n\n",
        head | {"system_fingerprint": "fp"} | chunk({"content": "Hi "}),
        head | chunk({"content": "there", "annotations": [{"a": 1}]}),
        head | chunk({"content": None, "annotations": [{"b": 2}]}),
        head | chunk({}, finish_reason="stop", stop_reason="END"),
        head | {"choices": [], "usage": TOLD},
        b"data: [DONE]\n\n",
    )
    message = {"role": "assistant", "content": "Hi there", "annotations": [{"a": 1}, {"b": 2}]}
    assert answer == {
        "id": "up-1",
        "object": "chat.completion",
        "created": 7,
        "model": "seedling",
        "system_fingerprint": "fp",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "stop_reason": "END"}],
        "usage": TOLD,
    }


@pytest.mark.parametrize(
    "chunks, expected",
    [
        ([], {"content": None}),
        ([chunk({"reasoning_content": "H"}), chunk({"reasoning_content": "m"})], {"reasoning_content": "Hm"}),
        ([chunk({"content": "a"}), {"choices": [{"index": 1, "delta": {"content": "b"}}]}], {"content": "a"}),
        (
            [chunk({"content": [{"type": "t"}]}), chunk({"content": "a"}), chunk({"content": "b"})],
            {"content": [{"type": "t"}, {"type": "text", "text": "ab"}]},
        ),
        (
            [chunk({"audio": {"id": "x", "data": "a"}}), chunk({"audio": {"data": "b", "expires_at": 1}})],
            {"audio": {"id": "x", "data": "ab", "expires_at": 1}},
        ),
        ([call(0, "c1", "f", '{"a"'), call(0, None, None, ":1}")], {"tool_calls": [called("c1", "f", '{"a":1}')]}),
        ([call(0, "c1", "f", ""), call(0, "c1", "f", "{}")], {"tool_calls": [called("c1", "f", "{}")]}),
        ([call(0, "c1", "re", None), call(0, "", "ad", "{}")], {"tool_calls": [called("c1", "read", "{}")]}),
        (
            [call(0, "c1", "f", {"a": 1}), call(1, "c2", "g", "{}")],
            {"tool_calls": [called("c1", "f", '{"a":1}'), called("c2", "g", "{}")]},
        ),
        (
            [chunk({"tool_calls": "x"}), chunk("y"), {"choices": "z"}, b"data: [1]\n\n", b"data: {\n\n"],
            {"tool_calls": "x"},
        ),
        ([chunk({"x": 1}), chunk({"x": 2})], {"x": 2}),
    ],
)
def test_messages(chunks: list[object], expected: dict[str, object]) -> None:
    """Texts, lists and calls are put together from their pieces, and what can't be read is passed over."""
    (choice,) = join(*chunks)["choices"]
    assert choice["message"] == {"role": "assistant", "content": None} | expected


def test_a_call_without_an_id_gets_one() -> None:
    """A call that the server forgot to number can still be answered."""
    (made,) = join(call(None, None, "f", "{}"))["choices"][0]["message"]["tool_calls"]
    assert made["id"].startswith("call_")


def test_what_is_missing() -> None:
    """Where the server told neither id nor usage they are ours."""
    answer = join(chunk({"content": "Hi"}))
    assert (answer["id"], answer["created"], answer["usage"]) == (CALL_ID, HEAD.created_at_ms // 1000, USAGE_SHAPE)


def test_an_answer_that_is_cut() -> None:
    """What ends before the server ended it says so, and what it took is what was counted here."""
    answer = join(chunk({"content": "Hi"}) | {"usage": TOLD}, reason="length")
    assert (answer["choices"][0]["finish_reason"], answer["usage"]) == ("length", USAGE_SHAPE)


def test_our_own_streams_come_back_whole() -> None:
    """What our server side writes as a stream is joined to what it writes at once."""
    events: list[Event] = [
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
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
    stream = b"".join([writer.open(), *map(writer.write, events), writer.close()])
    assert join(stream) == json.loads(CODEC.write_answer(HEAD, builder.build()))
