"""Malformed requests: each is refused with the right status, and told which field is at fault and what is allowed."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.traits import Traits
from setaria.wire.openai_chat import OpenAIChat
from tests.wire.openai_chat.asking import CAPABLE, HELLO, PLAIN, read_json, tool

USER: dict[str, object] = {"role": "user"}
ASSISTANT: dict[str, object] = {"role": "assistant"}
CALL: dict[str, object] = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
OFF: dict[str, object] = {"thinking": {"type": "disabled"}}
INT64 = "an integer from -9223372036854775808 to 9223372036854775807"


def says(*parts: object) -> dict[str, object]:
    """Make `messages` of one user message with these parts."""
    return {"messages": [USER | {"content": list(parts)}]}


def calls(call: object) -> dict[str, object]:
    """Make `messages` of one assistant message with this tool call."""
    return {"messages": [ASSISTANT | {"tool_calls": [call]}]}


def offers(function: object) -> dict[str, object]:
    """Make `tools` of one function."""
    return {"tools": [{"type": "function", "function": function}]}


BODIES: list[tuple[bytes, str | None, str]] = [
    (b"", None, "the request has no body"),
    (b"   ", None, "send a JSON object"),
    (b"hello", None, "not valid JSON"),
    (b'{"model": "m",}', None, "trailing comma in object at line 1, column 15"),
    (b'{"model": "m"\n "messages": []}', None, "at line 2, column 2"),
    (b'{"model": "m"', None, "it breaks off at line 1, column 14 (byte 13)"),
    (b'[{"model": "m"}]', None, "must be a JSON object"),
    (b'"hello"', None, "must be a JSON object"),
    (b'{"model": "\xfe"}', None, "not valid UTF-8"),
    (b"{}", "model", "model is missing"),
    (b'{"model": null}', "model", "model is missing"),
    (b'{"model": ""}', "model", "model must not be empty"),
    (b'{"model": 7}', "model", "model must be a string"),
    (b'{"model": "m", "stream": "yes"}', "stream", "stream must be true or false"),
    (b'{"model": "m", "stream": 1}', "stream", "stream must be true or false"),
    (b'{"model": "m"}', "messages", "messages is missing; it must be a non-empty array of messages"),
    (b'{"model": "m", "messages": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", None, "nested too deeply"),
]

FIELDS: list[tuple[dict[str, object], str, str]] = [
    ({"messages": None}, "messages", "messages is missing"),
    ({"messages": []}, "messages", "a non-empty array of messages"),
    ({"messages": "Hello"}, "messages", "a non-empty array of messages"),
    ({"messages": {"0": HELLO}}, "messages", "a non-empty array of messages"),
    ({"messages": ["Hello"]}, "messages[0]", "must be an object"),
    ({"messages": [HELLO, None]}, "messages[1]", "must be an object"),
    ({"messages": [{"content": "Hello"}]}, "messages[0].role", "is missing; it must be one of developer, system"),
    ({"messages": [{"role": "robot"}]}, "messages[0].role", "is 'robot'; it must be one of developer, system, user"),
    ({"messages": [{"role": "function"}]}, "messages[0].role", "must be one of developer, system, user, assistant"),
    ({"messages": [{"role": 1}]}, "messages[0].role", "must be one of"),
    ({"messages": [HELLO, HELLO, USER | {"content": 5}]}, "messages[2].content", "a string or an array of parts"),
    ({"messages": [USER | {"content": {"text": "a"}}]}, "messages[0].content", "a string or an array of parts"),
    ({"messages": [USER | {"name": 5}]}, "messages[0].name", "must be a string"),
    (says("text"), "messages[0].content[0]", "must be an object"),
    (says({"text": "a"}), "messages[0].content[0].type", "is missing; it must be one of text, image_url"),
    (says({"type": "file"}), "messages[0].content[0].type", "is 'file'; it must be one of text, image_url"),
    (says({"type": "text"}), "messages[0].content[0].text", "is missing"),
    (says({"type": "text", "text": 5}), "messages[0].content[0].text", "must be a string"),
    (says({"type": "refusal"}), "messages[0].content[0].refusal", "is missing"),
    (says({"type": "image_url"}), "messages[0].content[0].image_url", "is missing"),
    (says({"type": "image_url", "image_url": 5}), "messages[0].content[0].image_url", "must be an object"),
    (says({"type": "image_url", "image_url": {}}), "messages[0].content[0].image_url.url", "is missing"),
    (says(PICTURE | {"image_url": "file:///a"}), "messages[0].content[0].image_url", "local files can't be read"),
    (says({"type": "input_audio"}), "messages[0].content[0].input_audio", "is missing"),
    (says({"type": "video_url", "video_url": "x"}), "messages[0].content[0].video_url", "must be an object"),
    ({"messages": [{"role": "tool"}]}, "messages[0].tool_call_id", "is missing"),
    ({"messages": [{"role": "tool", "tool_call_id": 5}]}, "messages[0].tool_call_id", "must be a string"),
    ({"messages": [{"role": "tool", "tool_call_id": ""}]}, "messages[0].tool_call_id", "must not be empty"),
    ({"messages": [ASSISTANT | {"tool_calls": {}}]}, "messages[0].tool_calls", "must be an array"),
    (calls("f()"), "messages[0].tool_calls[0]", "must be an object"),
    (calls({"function": {"name": "f"}}), "messages[0].tool_calls[0].id", "is missing"),
    (calls({"id": "c"}), "messages[0].tool_calls[0].function", "is missing"),
    (calls(CALL | {"function": "f"}), "messages[0].tool_calls[0].function", "must be an object"),
    (calls(CALL | {"function": {}}), "messages[0].tool_calls[0].function.name", "is missing"),
    (
        calls(CALL | {"function": {"name": "f", "arguments": 5}}),
        "messages[0].tool_calls[0].function.arguments",
        "must be a string of JSON",
    ),
    (
        {"messages": [ASSISTANT | {"reasoning_content": ["a"]}]},
        "messages[0].reasoning_content",
        "must be a string",
    ),
    ({"max_tokens": 0}, "max_tokens", "an integer of at least 1 (the model writes at most 131072)"),
    ({"max_tokens": -5}, "max_tokens", "an integer of at least 1"),
    ({"max_tokens": "many"}, "max_tokens", "an integer of at least 1"),
    ({"max_tokens": 1.5}, "max_tokens", "an integer of at least 1"),
    ({"max_completion_tokens": 0, "max_tokens": 9}, "max_completion_tokens", "an integer of at least 1"),
    ({"temperature": 1.6} | OFF, "temperature", "temperature is 1.6; it must be a number from 0 to 1.5"),
    ({"temperature": -0.1} | OFF, "temperature", "a number from 0 to 1.5"),
    ({"temperature": "hot"} | OFF, "temperature", "a number from 0 to 1.5"),
    ({"temperature": True} | OFF, "temperature", "a number from 0 to 1.5"),
    ({"top_p": 0} | OFF, "top_p", "top_p is 0; it must be a number from 0.01 to 1"),
    ({"top_p": 1.01} | OFF, "top_p", "a number from 0.01 to 1"),
    ({"frequency_penalty": 2.1}, "frequency_penalty", "a number from -2 to 2"),
    ({"presence_penalty": -3}, "presence_penalty", "a number from -2 to 2"),
    ({"presence_penalty": []}, "presence_penalty", "a number from -2 to 2"),
    ({"seed": 1.5}, "seed", INT64),
    ({"seed": 2**63}, "seed", INT64),
    ({"stop": 5}, "stop", "a string or an array of up to 4 strings"),
    ({"stop": list("abcde")}, "stop", "stop has 5 strings; at most 4 are allowed"),
    ({"stop": ["a", 5]}, "stop[1]", "must be a string"),
    ({"stream_options": True}, "stream_options", "must be an object"),
    ({"thinking": True}, "thinking", "must be an object"),
    ({"thinking": {}}, "thinking.type", "is missing; it must be one of enabled, disabled, adaptive"),
    ({"thinking": {"type": "on"}}, "thinking.type", "is 'on'; it must be one of enabled, disabled, adaptive"),
    ({"reasoning_effort": 5}, "reasoning_effort", "must be a string"),
    ({"tools": {}}, "tools", "must be an array"),
    ({"tools": ["f"]}, "tools[0]", "must be an object"),
    ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type", "is missing; it must be one of function, web_search"),
    ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "is 'retrieval'; it must be one of function, web_search"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "webSearchEnabled is false"),
    ({"tools": [tool("f"), {"type": "web_search"}]}, "tools[1].type", "`setaria search enable ACCOUNT` switches it on"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "is missing"),
    ({"tools": [{"type": "function", "name": "f"}]}, "tools[0].function", "is missing"),
    (offers({}), "tools[0].function.name", "is missing"),
    (offers({"name": ""}), "tools[0].function.name", "must not be empty"),
    (offers({"name": "f" * 129}), "tools[0].function.name", "must be 1 to 128 printable characters"),
    (offers({"name": "a\nb"}), "tools[0].function.name", "must be 1 to 128 printable characters"),
    (offers({"name": "f", "description": 5}), "tools[0].function.description", "must be a string"),
    (offers({"name": "f", "parameters": "{}"}), "tools[0].function.parameters", "must be an object"),
    (offers({"name": "f", "strict": "yes"}), "tools[0].function.strict", "must be true or false"),
    ({"tools": [tool("f"), tool("f")]}, "tools[1].function.name", "the name of an earlier tool"),
    ({"tool_choice": "required"}, "tool_choice", "tools offers none"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.function", "is missing"),
    ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name", "is missing"),
    (
        {"tools": [tool("f")], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool_choice.function.name",
        "names a tool that is not in tools",
    ),
    ({"tool_choice": {"type": 5}}, "tool_choice.type", "must be a string"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls", "must be true or false"),
    ({"response_format": "json"}, "response_format", "must be an object"),
    ({"response_format": {}}, "response_format.type", "is missing; it must be one of text, json_object, json_schema"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "must be one of text, json_object, json_schema"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "is missing"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
        "response_format.json_schema.schema",
        "is missing",
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": []}}},
        "response_format.json_schema.schema",
        "must be an object",
    ),
    ({"n": 2}, "n", "n must be 1"),
    ({"n": 0}, "n", "n must be 1"),
    ({"n": "one"}, "n", "must be an integer"),
    ({"logprobs": True}, "logprobs", "is not supported"),
    ({"logprobs": 5}, "logprobs", "must be true or false"),
    ({"background": True}, "background", "is not supported"),
    ({"previous_response_id": "resp_1"}, "previous_response_id", "send the whole conversation"),
    ({"audio": "loud"}, "audio", "must be an object"),
    ({"asr_options": []}, "asr_options", "must be an object"),
]

CAPABILITIES: list[tuple[dict[str, object], str, str]] = [
    (says(PICTURE), "messages[0].content[0]", "image"),
    (says({"type": "input_audio", "input_audio": {}}), "messages[0].content[0]", "audio"),
    (says({"type": "video_url", "video_url": {}}), "messages[0].content[0]", "video"),
    ({"tools": [tool("f")]}, "tools", "tools"),
    ({"response_format": {"type": "json_object"}}, "response_format", "json"),
    ({"audio": {}}, "audio", "audio"),
    ({"asr_options": {"language": "zh"}}, "asr_options", "audio"),
]


def refuse(body: bytes, traits: Traits) -> tuple[int, dict[str, str | None]]:
    """Read a body that must be refused, and give what the caller is told."""
    with pytest.raises(SetariaError) as refusal:
        read_json(body, traits)
    status, answer = OpenAIChat().write_error(refusal.value, CallId("0" * 32))
    return status, msgspec.json.decode(answer)["error"]


@pytest.mark.parametrize("body, param, fragment", BODIES)
def test_a_malformed_body_is_refused(body: bytes, param: str | None, fragment: str) -> None:
    """A body that can't be read at all, or lacks what every request needs, is a 400 that says so."""
    status, error = refuse(body, CAPABLE)
    assert (status, error["type"], error["param"], error["code"]) == (400, "invalid_request_error", param, "400")
    assert fragment in str(error["message"])


@pytest.mark.parametrize("fields, param, fragment", FIELDS)
def test_a_malformed_field_is_refused(fields: dict[str, object], param: str, fragment: str) -> None:
    """A field that is missing, mistyped or out of range is a 400 that names it and what is allowed."""
    body = msgspec.json.encode({"model": "m", "messages": [HELLO], **fields})
    status, error = refuse(body, CAPABLE)
    assert (status, error["type"], error["param"], error["code"]) == (400, "invalid_request_error", param, "400")
    assert fragment in str(error["message"])


@pytest.mark.parametrize("fields, param, capability", CAPABILITIES)
def test_what_a_model_cannot_do_is_refused(fields: dict[str, object], param: str, capability: str) -> None:
    """A request beyond the model's capabilities is a 400 that names the one it lacks and those it has."""
    traits = msgspec.structs.replace(PLAIN, capabilities=frozenset({"search", "thinking"}))
    status, error = refuse(msgspec.json.encode({"model": "m", "messages": [HELLO], **fields}), traits)
    assert (status, error["param"]) == (400, param)
    assert error["message"] == (
        f"{param} needs the capability `{capability}`, which this model lacks (its capabilities: search, thinking)"
    )


def test_a_model_without_capabilities_says_so() -> None:
    """Where a model has no capability at all, the message says none."""
    _, error = refuse(msgspec.json.encode({"model": "m", "messages": [HELLO], "tools": [tool("f")]}), PLAIN)
    assert str(error["message"]).endswith("(its capabilities: none)")


def test_prompt_text_is_never_told_back() -> None:
    """A refusal does not repeat what the messages say."""
    body = b'{"model": "m", "messages": [{"role": "user", "content": "the canary sings" "}]}'
    assert "canary" not in str(refuse(body, CAPABLE))


TOP = [
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "thinking",
    "reasoning_effort",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "n",
    "logprobs",
    "audio",
]
INNER = [
    "role",
    "content",
    "type",
    "text",
    "name",
    "function",
    "parameters",
    "arguments",
    "id",
    "tool_calls",
    "tool_call_id",
    "image_url",
    "url",
    "reasoning_content",
    "reasoning",
    "schema",
    "json_schema",
    "description",
]
WORDS = [
    "user",
    "assistant",
    "tool",
    "system",
    "developer",
    "function",
    "text",
    "image_url",
    "input_audio",
    "video_url",
    "refusal",
    "none",
    "required",
    "auto",
    "json_schema",
    "json_object",
    "enabled",
    "https://a",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER), inner, max_size=4),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["developer", "user", "assistant", "tool"])},
    optional={"content": TEXT | VALUES, "tool_call_id": TEXT, "tool_calls": st.none() | st.lists(VALUES, max_size=2)},
)
MESSAGES = st.lists(MESSAGE, min_size=1, max_size=3) | VALUES
FEW_FIELDS = st.dictionaries(st.sampled_from(TOP), VALUES, max_size=2)
# Making the examples may be slow on a busy machine; that says nothing about the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(MESSAGES, FEW_FIELDS)
def test_any_json_is_read_or_refused(messages: object, fields: dict[str, object]) -> None:
    """Whatever JSON comes, it is read into a dialogue that an engine can be sent, or refused by name; never worse."""
    raw = msgspec.json.encode({"model": "m", "messages": messages, **fields})
    for traits in (CAPABLE, PLAIN):
        with suppress(SetariaError):
            dialogue = read_json(raw, traits)
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(dialogue), type=type(dialogue)) == dialogue


@UNHURRIED
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    """Whatever bytes come, alone or within a body, nothing but a refusal is raised."""
    for body in (tail, b'{"model": "m", "messages": [{"role": "user", "content": "' + tail + b'"}]}'):
        with suppress(SetariaError):
            read_json(body)
