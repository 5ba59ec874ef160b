"""Answers: whole answers, counts and lists of models as JSON bodies."""

import hashlib
import json
import re

import msgspec
import pytest

from setaria.core.answer import Answer
from setaria.core.dialogue import Reasoning, ToolCall
from setaria.core.events import FinishReason
from setaria.core.usage import Usage
from setaria.wire.model_card import ModelCard
from tests.wire.anthropic_messages.asking import CODEC, HEAD, sign


def answer(
    reasoning: str = "", text: str = "", calls: tuple[ToolCall, ...] = (), finish: FinishReason = "stop", stop: str = ""
) -> Answer:
    """Make an answer with some usage."""
    return Answer(reasoning, text, calls, finish, Usage(5, 7, 3, 11, 4), stop)


def test_a_whole_answer() -> None:
    """An answer shows what was thought with its signature, then the text, then the calls, and its usage."""
    call = ToolCall("call_1", "read", '{"path": "a", "n": 1.0}')
    body = json.loads(CODEC.write_answer(HEAD, answer("hm", "Hi", (call,), "tool_calls")))
    assert re.fullmatch("msg_[0-9a-f]{24}", body.pop("id"))
    expected = {
        "type": "message",
        "role": "assistant",
        "model": "seedling",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": sign(hashlib.sha256(b"hm").digest())},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "call_1", "name": "read", "input": {"path": "a", "n": 1.0}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 7,
            "output_tokens": 11,
        },
    }
    assert expected == body


@pytest.mark.parametrize(
    "signed, expected",
    [
        ((Reasoning("h", "x"), Reasoning("m", "y")), [("h", "x"), ("m", "y")]),
        ((Reasoning("", "x"),), [("", "x")]),
        ((Reasoning("h", "x"), Reasoning("m")), [("h", "x"), ("m", sign(hashlib.sha256(b"m").digest()))]),
    ],
)
def test_signatures_of_the_model_server(signed: tuple[Reasoning, ...], expected: list[tuple[str, str]]) -> None:
    """Thinking that the model server signed keeps its pieces and signatures; ours stands where there is none."""
    whole = msgspec.structs.replace(answer("hm"), signed=signed)
    content = json.loads(CODEC.write_answer(HEAD, whole))["content"]
    assert expected == [(block["thinking"], block["signature"]) for block in content]


def test_an_empty_answer() -> None:
    """An answer in which nothing was said has no blocks."""
    assert json.loads(CODEC.write_answer(HEAD, answer()))["content"] == []


@pytest.mark.parametrize(
    "finish, stop, expected",
    [
        ("stop", "", ("end_turn", None)),
        ("stop", "END", ("stop_sequence", "END")),
        ("length", "", ("max_tokens", None)),
        ("tool_calls", "", ("tool_use", None)),
        ("content_filter", "", ("content_filter", None)),
        ("repetition_truncation", "", ("repetition_truncation", None)),
    ],
)
def test_stop_reasons(finish: FinishReason, stop: str, expected: tuple[str, str | None]) -> None:
    """Each way to stop has its word, and a stop sequence of the caller is named."""
    body = json.loads(CODEC.write_answer(HEAD, answer(text="a", finish=finish, stop=stop)))
    assert expected == (body["stop_reason"], body["stop_sequence"])


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ("{}", {}),
        ("", {}),
        (" \n", {}),
        (' {"a": [1, null]} ', {"a": [1, None]}),
        ('{"path": "a', {"_raw": '{"path": "a'}),
        ('{"a": 1}{"b": 2}', {"_raw": '{"a": 1}{"b": 2}'}),
        ("[1]", {"_raw": "[1]"}),
        (" null ", {}),
        ("nullable", {"_raw": "nullable"}),
        ("rm -rf", {"_raw": "rm -rf"}),
        ('{"a": ' + "[" * 5000, {"_raw": '{"a": ' + "[" * 5000}),
    ],
)
def test_arguments_become_an_input(arguments: str, expected: dict[str, object]) -> None:
    """A call's input is the object that the model wrote, empty for nothing, and holds what is no object as it is."""
    body = json.loads(CODEC.write_answer(HEAD, answer(calls=(ToolCall("call_1", "read", arguments),))))
    assert [expected] == [block["input"] for block in body["content"]]


def test_a_count() -> None:
    """A count tells the input tokens."""
    assert CODEC.write_count(42) == b'{"input_tokens":42}'


CARDS = [
    ModelCard("seedling", "Seedling", 1_790_000_000_000, "setaria", 4096, 1024),
    ModelCard("mimo-v2.5-pro", "MiMo", 0, "xiaomi", 1_048_576, 131_072, frozenset({"tools"}), "A model."),
]


def test_a_model() -> None:
    """A model tells its names, the moment it was made, and its limits."""
    expected = {
        "type": "model",
        "id": "seedling",
        "display_name": "Seedling",
        "created_at": "2026-09-21T14:13:20.000Z",
        "max_input_tokens": 4096,
        "max_tokens": 1024,
        "lifecycle": "active",
    }
    assert expected == json.loads(CODEC.write_model(CARDS[0]))


@pytest.mark.parametrize(
    "cards, first, last",
    [([], None, None), (CARDS[:1], "seedling", "seedling"), (CARDS, "seedling", "mimo-v2.5-pro")],
)
def test_a_list_of_models(cards: list[ModelCard], first: str | None, last: str | None) -> None:
    """All models are one page, in the order given, with the first and the last named."""
    body = json.loads(CODEC.write_models(cards))
    assert [json.loads(CODEC.write_model(card)) for card in cards] == body.pop("data")
    assert {"first_id": first, "last_id": last, "has_more": False} == body
