"""Bad input: malformed requests over both protocols; each is told what is wrong, none is a 500 and none hangs."""

import msgspec
import pytest

from tests.entrypoints.api.serving import CHAT, MESSAGES, Site, visit

HELLO = {"role": "user", "content": "Hello"}
COUNT = MESSAGES + "/count_tokens"
BOTH = (CHAT, MESSAGES, COUNT)


def says(*blocks: object) -> dict[str, object]:
    """Make `messages` of one user message with these blocks."""
    return {"messages": [{"role": "user", "content": list(blocks)}]}


# Bodies that are no request at all, the same in both protocols and for counting.
BODIES: list[tuple[bytes, str]] = [
    (b"", "the request has no body; send a JSON object"),
    (b" \n", "the request has no body"),
    (b"hello", "not valid JSON"),
    (b'{"model": "seedling",}', "trailing comma in object at line 1"),
    (b'{"model": "seedling"\n "messages": []}', "at line 2, column 2"),
    (b'{"model": "seedling"', "it breaks off at line 1, column 21 (byte 20)"),
    (b'{"model": "seedling", "user": "\\ud83c"}', "half of a surrogate pair stands alone at line 1"),
    (b"{'model': 'seedling'}", "not valid JSON"),
    (b'[{"model": "seedling"}]', "must be a JSON object"),
    (b'"seedling"', "must be a JSON object"),
    (b"null", "must be a JSON object"),
    (b"NaN", "not valid JSON"),
    (b'{"model": "\xff\xfe"}', "not valid UTF-8"),
    ('{"model": "seedling"}'.encode("utf-16"), "not valid"),
    (b"\x1f\x8b\x08\x00compressed", "not valid"),
    (b"model=seedling&messages=hello", "not valid JSON"),
    (b'{"model": "seedling", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b"{}", "model is missing"),
    (b'{"model": null}', "model is missing"),
    (b'{"model": ""}', "model must not be empty"),
    (b'{"model": 7}', "model must be a string"),
    (b'{"model": ["seedling"]}', "model must be a string"),
    (b'{"model": "seedling", "stream": "yes"}', "stream must be true or false"),
    (b'{"model": "seedling", "messages": null}', "messages is missing"),
    (b'{"model": "seedling", "messages": "hello"}', "messages"),
    (b'{"model": "seedling", "messages": {}}', "messages"),
    (b'{"model": "seedling", "messages": []}', "messages"),
    (b'{"model": "seedling", "messages": [7]}', "messages"),
    (b'{"model": "seedling", "messages": [{"content": "x"}]}', "role"),
    (b'{"model": "seedling", "messages": [{"role": "robot", "content": "x"}]}', "role"),
    (b'{"model": "seedling", "messages": [{"role": "user", "content": 7}]}', "content"),
]

# Fields that a good request to chat completions can't have.
CHAT_FIELDS: list[tuple[dict[str, object], str, str]] = [
    ({"max_tokens": 0}, "max_tokens", "an integer of at least 1"),
    ({"max_tokens": "many"}, "max_tokens", "an integer of at least 1"),
    ({"max_tokens": 1.5}, "max_tokens", "an integer of at least 1"),
    ({"max_completion_tokens": -1}, "max_completion_tokens", "an integer of at least 1"),
    ({"temperature": 9, "thinking": {"type": "disabled"}}, "temperature", "a number from 0 to 1.5"),
    ({"top_p": 0, "thinking": {"type": "disabled"}}, "top_p", "a number from 0.01 to 1"),
    ({"frequency_penalty": 5}, "frequency_penalty", "a number from -2 to 2"),
    ({"seed": "x"}, "seed", "an integer"),
    ({"stop": list("abcde")}, "stop", "at most 4"),
    ({"n": 2}, "n", "n must be 1"),
    ({"logprobs": True}, "logprobs", "not supported"),
    ({"background": True}, "background", "not supported"),
    ({"previous_response_id": "r"}, "previous_response_id", "send the whole conversation"),
    ({"tools": {}}, "tools", "must be an array"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "is missing"),
    ({"tools": [{"type": "function", "function": {"name": "x" * 129}}]}, "tools[0].function.name", "1 to 128"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "setaria search enable"),
    ({"tool_choice": "required"}, "tool_choice", "offers none"),
    ({"response_format": "json"}, "response_format", "must be an object"),
    ({"thinking": {"type": "on"}}, "thinking.type", "must be one of"),
    (says({"type": "text"}), "messages[0].content[0].text", "is missing"),
    (says({"type": "image_url", "image_url": {"url": "https://a/b.png"}}), "messages[0].content[0]", "`image`"),
    (says({"type": "input_audio", "input_audio": {}}), "messages[0].content[0]", "`audio`"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", "is missing"),
    ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0].function", "is missing"),
]

# Fields that a good request to messages can't have.
MESSAGES_FIELDS: list[tuple[dict[str, object], str]] = [
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": "many"}, "max_tokens"),
    ({"temperature": "hot", "thinking": {"type": "disabled"}}, "temperature"),
    ({"top_p": 7, "thinking": {"type": "disabled"}}, "top_p"),
    ({"stop_sequences": "x"}, "stop_sequences"),
    ({"stop_sequences": [7]}, "stop_sequences.0"),
    ({"system": 7}, "system"),
    ({"system": [{"type": "text"}]}, "system.0.text"),
    ({"thinking": {"type": "on"}}, "thinking.type"),
    ({"thinking": 7}, "thinking"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"name": "f", "input_schema": 7}]}, "tools.0.input_schema"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"tool_choice": 7}, "tool_choice"),
    (says({"type": "text"}), "messages.0.content.0.text"),
    (says({"text": "x"}), "messages.0.content.0.type"),
    (says({"type": "tool_result", "content": "x"}), "messages.0.content.0.tool_use_id"),
    (says({"type": "image", "source": {"type": "base64"}}), "messages.0.content.0"),
    (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "x"}]}]},
        "messages.0.content.0.name",
    ),
]

MODELS = [
    (CHAT, "Seedling", 400, "Unsupported model Seedling; did you mean seedling?"),
    (CHAT, "gpt-4", 400, "Unsupported model gpt-4; GET /v1/models lists"),
    (CHAT, "x" * 5000, 400, "Unsupported model " + "x" * 100 + ";"),
    (MESSAGES, "Seedling", 404, "did you mean seedling?"),
    (MESSAGES, "claude-sonnet-4", 404, "Unsupported model claude-sonnet-4"),
    (COUNT, "claude-sonnet-4", 404, "Unsupported model claude-sonnet-4"),
]


def refused(target: str, body: bytes, status: int) -> dict[str, str]:
    """Ask on a kept connection, twice; both times the same refusal must come. Gives the error that was told."""
    errors: list[dict[str, str]] = []

    async def story(site: Site) -> None:
        wire = await site.connect()
        for _ in range(2):
            wire.send(site.request("POST", target, body, content_length=str(len(body))))
            answer = await wire.answer()
            assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
            assert (answer.headers["x-should-retry"], answer.headers.get("connection")) == ("false", None)
            errors.append(answer.error)

    site = visit(story)
    assert (site.stage.ledger.rows, set(site.stage.log.events)) == ([], {"refused"})
    assert errors[0] == errors[1]
    return errors[0]


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.parametrize("body, fragment", BODIES)
def test_a_bad_body(target: str, body: bytes, fragment: str) -> None:
    """A body that is no request is a 400 that says what is wrong with it."""
    error = refused(target, body, 400)
    assert (error["type"], fragment in error["message"]) == ("invalid_request_error", True), error


@pytest.mark.parametrize("fields, param, fragment", CHAT_FIELDS)
def test_a_bad_field_of_chat_completions(fields: dict[str, object], param: str, fragment: str) -> None:
    """A field at fault is a 400 that names it and what is allowed."""
    error = refused(CHAT, msgspec.json.encode({"model": "seedling", "messages": [HELLO]} | fields), 400)
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, "400")
    assert fragment in error["message"]


@pytest.mark.parametrize("fields, param", MESSAGES_FIELDS)
def test_a_bad_field_of_messages(fields: dict[str, object], param: str) -> None:
    """A field at fault is a 400 whose message names it."""
    error = refused(MESSAGES, msgspec.json.encode({"model": "seedling", "messages": [HELLO]} | fields), 400)
    assert (error["type"], param in error["message"]) == ("invalid_request_error", True), error


@pytest.mark.parametrize("target, model, status, fragment", MODELS)
def test_an_unknown_model(target: str, model: str, status: int, fragment: str) -> None:
    """A model that is not there is told as the protocol does it, with the one most like it."""
    error = refused(target, msgspec.json.encode({"model": model, "messages": [HELLO]}), status)
    assert fragment in error["message"]
    assert error.get("param", "model") == "model"


def test_the_table_is_long() -> None:
    """The table holds at least 60 different malformed requests."""
    assert len(BODIES) + len(CHAT_FIELDS) + len(MESSAGES_FIELDS) + len(MODELS) >= 60
