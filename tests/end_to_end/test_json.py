"""Answers in JSON and forced calls, through both SDKs and the real engine."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.end_to_end.running import Running

SCHEMA: Any = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 12},
        "mood": {"type": "string", "enum": ["sunny", "rainy"]},
        "degrees": {"type": "integer", "minimum": -50, "maximum": 60},
    },
    "required": ["city", "mood", "degrees"],
    "additionalProperties": False,
}
IMPOSSIBLE: Any = {"type": "integer", "minimum": 5, "maximum": 3}
QUESTION: Any = [{"role": "user", "content": "What is the weather like in Paris?"}]


@pytest.fixture
def client(platform: Running) -> Iterator[openai.OpenAI]:
    """Give OpenAI's client, with the platform's first key."""
    with openai.OpenAI(base_url=f"{platform.base_url}/v1", api_key=platform.key, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def other_client(platform: Running) -> Iterator[anthropic.Anthropic]:
    """Give Anthropic's client, with the platform's first key."""
    with anthropic.Anthropic(base_url=f"{platform.base_url}/anthropic", api_key=platform.key, max_retries=0) as client:
        yield client


def schema_format(schema: Any) -> Any:
    """Ask for JSON after a schema as OpenAI's protocol does."""
    return {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": schema}}


def is_weather(text: str) -> bool:
    """Tell whether a text is JSON after the schema."""
    value = json.loads(text)
    return (
        set(value) == set(SCHEMA["required"]) and value["mood"] in ("sunny", "rainy") and -50 <= value["degrees"] <= 60
    )


@pytest.mark.parametrize("thinking", ["enabled", "disabled"])
def test_a_schema_is_kept_through_openais_protocol(client: openai.OpenAI, thinking: str) -> None:
    """The content is JSON after the schema, with and without thinking before it."""
    answer = client.chat.completions.create(
        model="seedling",
        messages=QUESTION,
        response_format=schema_format(SCHEMA),
        extra_body={"thinking": {"type": thinking}},
    )
    message = answer.choices[0].message
    assert (answer.choices[0].finish_reason, is_weather(message.content or "")) == ("stop", True)
    assert ("reasoning_content" in (message.model_extra or {})) <= (thinking == "enabled")


def test_a_schema_is_kept_through_anthropics_protocol(other_client: anthropic.Anthropic) -> None:
    """The text block is JSON after the schema."""
    answer = other_client.messages.create(
        model="seedling",
        max_tokens=500,
        messages=QUESTION,
        extra_body={"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    )
    text = "".join(block.text for block in answer.content if block.type == "text")
    assert (answer.stop_reason, is_weather(text)) == ("end_turn", True)


def test_any_object_can_be_asked_for(client: openai.OpenAI) -> None:
    """With json_object the content is the beginning of an object, whole unless it was cut."""
    answer = client.chat.completions.create(
        model="seedling", messages=QUESTION, response_format={"type": "json_object"}, max_tokens=200
    )
    content = answer.choices[0].message.content or ""
    assert content.startswith("{")
    assert answer.choices[0].finish_reason == "length" or isinstance(json.loads(content), dict)


def test_json_that_is_cut_ends_with_length(client: openai.OpenAI) -> None:
    """A limit within the JSON ends the answer with `length`."""
    answer = client.chat.completions.create(
        model="seedling",
        messages=QUESTION,
        response_format=schema_format(SCHEMA),
        max_tokens=5,
        extra_body={"thinking": {"type": "disabled"}},
    )
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_an_impossible_schema_is_a_bad_request(client: openai.OpenAI, stream: bool) -> None:
    """What no answer can satisfy is told before a stream opens, with the field's name."""
    asked: Any = {"model": "seedling", "messages": QUESTION, "response_format": schema_format(IMPOSSIBLE)}
    with pytest.raises(openai.BadRequestError, match="response_format"):
        client.chat.completions.create(**asked, stream=stream)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "paint"}}])
def test_a_call_can_be_forced(client: openai.OpenAI, choice: Any) -> None:
    """With tool_choice the call comes, however little it has to do with the question."""
    schema = {"type": "object", "properties": {"coats": {"type": "integer", "maximum": 9}}, "required": ["coats"]}
    tools: Any = [{"type": "function", "function": {"name": "paint", "parameters": schema}}]
    answer = client.chat.completions.create(
        model="seedling", messages=QUESTION, tools=tools, tool_choice=choice, parallel_tool_calls=False
    )
    calls: Any = answer.choices[0].message.tool_calls
    assert [(call.function.name, type(json.loads(call.function.arguments)["coats"])) for call in calls] == [
        ("paint", int)
    ]
