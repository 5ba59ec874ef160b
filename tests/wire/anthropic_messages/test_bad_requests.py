"""Bad requests: each is refused with a message that names the field at fault, and none is more than refused."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setaria.core.errors import InvalidRequest, SetariaError
from tests.wire.anthropic_messages.asking import CODEC, PLAIN_TRAITS, QUESTION, TOOL, TRAITS, ask_with

OFF = {"type": "disabled"}
PICTURE = {"type": "image", "source": {"type": "url", "url": "https://a"}}


def say(role: str, *blocks: object) -> dict[str, object]:
    """Write the one message of a request."""
    return {"messages": [{"role": role, "content": list(blocks)}]}


def show(**source: object) -> dict[str, object]:
    """Write a message with one picture from this source."""
    return say("user", {"type": "image", "source": source})


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "no body"),
        (b"  \n", "no body"),
        (b"{", "not valid JSON"),
        (b'{"model": "a",\n "stream": tru}', "line 2"),
        (b"[]", "must be a JSON object"),
        (b'"a"', "must be a JSON object"),
        (b'{"model": "\xff"}', "not valid UTF-8"),
        (b'{"model": "a", "messages": "\\ud83d"}', "not valid JSON"),
        (b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deeply"),
        (b"{}", "model is missing"),
        (b'{"model": null}', "model is missing"),
        (b'{"model": ""}', "model must not be empty"),
        (b'{"model": 7}', "model must be a string"),
        (b'{"model": "a", "stream": "yes"}', "stream must be true or false"),
    ],
)
def test_malformed_bodies(body: bytes, words: str) -> None:
    """A body that is no JSON object with a model is refused with words that say what is wrong."""
    with pytest.raises(InvalidRequest, match=words):
        CODEC.read_envelope(body)


@pytest.mark.parametrize(
    "fields, param, words",
    [
        ({"messages": None}, "messages", "messages is missing; it must be a non-empty array"),
        ({"messages": "hello"}, "messages", "messages must be a non-empty array"),
        ({"messages": []}, "messages", "messages must be a non-empty array"),
        ({"messages": {}}, "messages", "messages must be a non-empty array"),
        ({"messages": ["hello"]}, "messages.0", "must be an object"),
        ({"messages": [{"content": "a"}]}, "messages.0.role", "is missing; it must be one of user, assistant, system"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages.0.role", "is 'tool'; it must be one of user"),
        ({"messages": [{"role": 1, "content": "a"}]}, "messages.0.role", "must be one of user, assistant, system"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "is missing; it must be a string or an array"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages.0.content", "is missing"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages.0.content", "must be a string or an array"),
        ({"messages": [QUESTION, {"role": "user", "content": ""}]}, "messages.1.content", "must not be empty"),
        (say("user"), "messages.0.content", "must not be empty"),
        (say("user", "hello"), "messages.0.content.0", "must be an object"),
        (say("user", {"text": "a"}), "messages.0.content.0.type", "is missing"),
        (say("user", {"type": 1}), "messages.0.content.0.type", "must be a string"),
        (say("user", {"type": "text"}), "messages.0.content.0.text", "is missing; it must be a string"),
        (say("user", {"type": "text", "text": ["a"]}), "messages.0.content.0.text", "must be a string"),
        (say("user", {"type": "tool_use"}), "messages.0.content.0", "belongs in one of role assistant"),
        (say("user", {"type": "thinking"}), "messages.0.content.0", "belongs in one of role assistant"),
        (say("system", {"type": "redacted_thinking"}), "messages.0.content.0", "belongs in one of role assistant"),
        (say("assistant", {"type": "tool_result"}), "messages.0.content.0", "belongs in one of role user"),
        (say("system", {"type": "tool_result"}), "messages.0.content.0", "belongs in one of role user"),
        (say("assistant", {"type": "thinking"}), "messages.0.content.0.thinking", "is missing"),
        (
            say("assistant", {"type": "thinking", "thinking": "a", "signature": 1}),
            "messages.0.content.0.signature",
            "must be a string",
        ),
        (say("assistant", {"type": "tool_use", "name": "a"}), "messages.0.content.0.id", "is missing"),
        (say("assistant", {"type": "tool_use", "id": "", "name": "a"}), "messages.0.content.0.id", "not be empty"),
        (say("assistant", {"type": "tool_use", "id": "a"}), "messages.0.content.0.name", "is missing"),
        (
            say("assistant", {"type": "tool_use", "id": "a", "name": "b", "input": "{}"}),
            "messages.0.content.0.input",
            "must be an object",
        ),
        (say("user", {"type": "tool_result"}), "messages.0.content.0.tool_use_id", "is missing"),
        (
            say("user", {"type": "tool_result", "tool_use_id": "a", "is_error": "no"}),
            "messages.0.content.0.is_error",
            "must be true or false",
        ),
        (
            say("user", {"type": "tool_result", "tool_use_id": "a", "content": {}}),
            "messages.0.content.0.content",
            "must be a string or an array",
        ),
        (
            say("user", {"type": "tool_result", "tool_use_id": "a", "content": ["b"]}),
            "messages.0.content.0.content.0",
            "must be an object",
        ),
        (say("user", {"type": "image"}), "messages.0.content.0.source", "is missing; it must be an object"),
        (show(), "messages.0.content.0.source.type", "is missing; it must be one of base64, url"),
        (show(type="file", file_id="a"), "messages.0.content.0.source.type", "must be one of base64, url"),
        (show(type="url"), "messages.0.content.0.source.url", "is missing"),
        (show(type="url", url="file:///etc/passwd"), "messages.0.content.0.source.url", "local files can't be read"),
        (show(type="base64", data="a"), "messages.0.content.0.source.media_type", "is missing"),
        (
            show(type="base64", media_type="image/tiff", data="a"),
            "messages.0.content.0.source.media_type",
            "is 'image/tiff'; it must be one of image/jpeg",
        ),
        (show(type="base64", media_type="image/png"), "messages.0.content.0.source.data", "is missing"),
        ({"system": 1}, "system", "must be a string or an array of blocks"),
        ({"system": ["a"]}, "system.0", "must be an object"),
        ({"max_tokens": 0}, "max_tokens", "must be an integer of at least 1"),
        ({"max_tokens": -(10**4000)}, "max_tokens", "must be an integer of at least 1"),
        ({"max_tokens": "many"}, "max_tokens", "must be an integer of at least 1"),
        ({"max_tokens": 1.5}, "max_tokens", "must be an integer of at least 1"),
        ({"thinking": True}, "thinking", "must be an object"),
        ({"thinking": {}}, "thinking.type", "is missing; it must be one of enabled"),
        ({"thinking": {"type": "hard"}}, "thinking.type", "is 'hard'; it must be one of enabled"),
        ({"thinking": OFF, "temperature": 1.51}, "temperature", "is 1.51; it must be a number from 0 to 1.5"),
        ({"thinking": OFF, "temperature": -0.1}, "temperature", "must be a number from 0 to 1.5"),
        ({"thinking": OFF, "temperature": "hot"}, "temperature", "must be a number from 0 to 1.5"),
        ({"thinking": OFF, "top_p": 0}, "top_p", "is 0; it must be a number from 0.01 to 1"),
        ({"thinking": OFF, "top_p": 1.1}, "top_p", "must be a number from 0.01 to 1"),
        ({"stop_sequences": "a"}, "stop_sequences", "must be an array"),
        ({"stop_sequences": [1]}, "stop_sequences.0", "must be a string"),
        ({"stop_sequences": ["a", ""]}, "stop_sequences", "must not hold an empty string"),
        ({"stop_sequences": ["a"] * 17}, "stop_sequences", "has 17 entries; at most 16 are allowed"),
        ({"tools": {}}, "tools", "must be an array"),
        ({"tools": ["read"]}, "tools.0", "must be an object"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name", "is missing"),
        ({"tools": [TOOL | {"name": "n" * 129}]}, "tools.0.name", "must be 1 to 128 printable characters"),
        ({"tools": [TOOL | {"name": "a\nb"}]}, "tools.0.name", "must be 1 to 128 printable characters"),
        ({"tools": [TOOL, TOOL]}, "tools.1.name", "is the name of an earlier tool"),
        ({"tools": [TOOL | {"description": 1}]}, "tools.0.description", "must be a string"),
        ({"tools": [TOOL | {"input_schema": None}]}, "tools.0.input_schema", "is missing"),
        ({"tools": [TOOL | {"input_schema": "{}"}]}, "tools.0.input_schema", "must be an object"),
        ({"tools": [TOOL | {"type": 1}]}, "tools.0.type", "must be a string"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.type", "the form of another protocol"),
        ({"tool_choice": "auto"}, "tool_choice", "must be an object"),
        ({"tool_choice": {}}, "tool_choice.type", "is missing"),
        ({"tool_choice": {"type": "any"}}, "tool_choice.type", "is any, but tools offers none"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name", "is missing"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice.name", "is not in tools"),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}},
            "tool_choice.disable_parallel_tool_use",
            "must be true or false",
        ),
        ({"output_config": "json"}, "output_config", "must be an object"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type", "must be one of json_schema"),
        ({"output_format": {"type": "json_schema"}}, "output_format.schema", "is missing; it must be an object"),
    ],
)
def test_faulty_fields(fields: dict[str, object], param: str, words: str) -> None:
    """A faulty field is named in the error and in its message, with what is allowed."""
    with pytest.raises(InvalidRequest) as caught:
        ask_with(**fields)
    assert param == caught.value.param
    assert param in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize(
    "fields, param, capability",
    [
        (say("user", PICTURE), "messages.0.content.0", "image"),
        (
            say("user", {"type": "tool_result", "tool_use_id": "a", "content": [PICTURE]}),
            "messages.0.content.0.content.0",
            "image",
        ),
        ({"tools": [TOOL]}, "tools", "tools"),
    ],
)
def test_capabilities_that_the_model_lacks(fields: dict[str, object], param: str, capability: str) -> None:
    """What the model can't take is refused, and the capability named."""
    with pytest.raises(InvalidRequest, match=f"`{capability}`") as caught:
        ask_with(PLAIN_TRAITS, **fields)
    assert param == caught.value.param


def test_server_tools_need_no_capability() -> None:
    """Tools that are left out anyway are no reason to refuse a model without tools."""
    assert ask_with(PLAIN_TRAITS, tools=[{"type": "web_search_20250305", "name": "web_search"}]).tools == ()


# fmt: off
WORDS = (
    "model", "messages", "role", "content", "user", "assistant", "system", "type", "text", "thinking", "tool_use", "id",
    "name", "input", "tool_result", "tool_use_id", "image", "source", "url", "tools", "input_schema", "tool_choice",
    "tool", "stream", "max_tokens", "temperature", "stop_sequences", "output_config", "format", "json_schema", "schema",
)
# fmt: on
WORD = st.sampled_from(WORDS)
LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), WORD
)
JSON = LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(WORD, LEAF, max_size=3)
PART = st.fixed_dictionaries({"type": WORD, "text": LEAF, "content": JSON, "source": JSON, "input_schema": JSON}) | JSON
BLOCK = (
    st.fixed_dictionaries({"type": WORD, "tool_use_id": LEAF, "name": LEAF, "content": st.lists(PART, max_size=2)})
    | PART
)
MESSAGE = st.fixed_dictionaries({"role": WORD, "content": st.lists(BLOCK, max_size=3) | JSON}) | JSON
KNOWN = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": st.lists(MESSAGE, min_size=1, max_size=3), "tools": st.lists(BLOCK, max_size=3)}
)
REQUEST = st.tuples(KNOWN, st.dictionaries(WORD, JSON, max_size=4)).map(lambda pair: pair[0] | pair[1])


def read_all(body: bytes) -> None:
    """Read a body in each way there is; it may be refused, but nothing else may happen."""
    try:
        envelope = CODEC.read_envelope(body)
    except SetariaError:
        return
    for read in (CODEC.read_dialogue, CODEC.read_count_request):
        with suppress(SetariaError):
            read(envelope, TRAITS)


@settings(deadline=None)
@given(REQUEST | JSON)
def test_any_json_is_read_or_refused(request: Any) -> None:  # any JSON at all
    """Whatever JSON comes, it is read or refused, with no other error."""
    read_all(json.dumps(request).encode())


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever bytes come, they are read or refused, with no other error."""
    read_all(body)
