"""SDK: the official Python client understands what is written, from bytes to its own types and errors."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from setaria.core.answer import AnswerBuilder
from setaria.core.errors import (
    ContextOverflow,
    Forbidden,
    InternalError,
    InvalidRequest,
    Limited,
    SetariaError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnknownModel,
    UpstreamCut,
    UpstreamTimeout,
)
from setaria.core.events import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from setaria.core.usage import Usage
from setaria.wire.model_card import ModelCard
from tests.wire.anthropic_messages.asking import CALL_ID, CODEC, HEAD, sign
from tests.wire.anthropic_messages.stream_checker import read_frames
from tests.wire.anthropic_messages.test_streams import FINISH, PIECE, expand

EVENTS: list[Event] = [
    ReasoningDelta("h"),
    ReasoningDelta("m"),
    TextDelta("Hi "),
    TextDelta("中😀"),
    ToolCallStart(0, "call_0", "read"),
    ToolCallDelta(0, '{"pa'),
    ToolCallDelta(0, 'th": "a"}'),
    ToolCallStart(1, "call_1", "list"),
    Finish("tool_calls"),
    UsageReport(Usage(5, 7, 3, 11, 4), "upstream"),
]
CONTENT = [
    {"type": "thinking", "thinking": "hm", "signature": sign(hashlib.sha256(b"hm").digest())},
    {"type": "text", "text": "Hi 中😀"},
    {"type": "tool_use", "id": "call_0", "name": "read", "input": {"path": "a"}},
    {"type": "tool_use", "id": "call_1", "name": "list", "input": {}},
]
ASKED: dict[str, Any] = {"model": "seedling", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}


def client_of(status: int, body: bytes, content_type: str = "application/json") -> anthropic.Anthropic:
    """Make the official client, talking to a server that always gives this answer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": content_type})

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="sk-test", base_url="http://127.0.0.1", http_client=http, max_retries=0)


def write_stream(events: list[Event]) -> bytes:
    """Write a whole stream."""
    writer = CODEC.open_stream(HEAD)
    return b"".join([writer.open(), *map(writer.write, events), writer.close()])


def stream_message(stream: bytes) -> Message:
    """Let the client put a stream together."""
    client = client_of(200, stream, "text/event-stream; charset=utf-8")
    with client.messages.stream(**ASKED) as opened:
        return opened.get_final_message()


def show(message: Message) -> list[dict[str, object]]:
    """Give a message's blocks without the fields that only the client adds."""
    return [block.model_dump(exclude_none=True) for block in message.content]


def test_the_client_reads_an_answer() -> None:
    """A whole answer comes to the client's own message, valid to its last field."""
    builder = AnswerBuilder()
    for event in EVENTS:
        builder.add(event)
    body = CODEC.write_answer(HEAD, builder.build())
    message = client_of(200, body).messages.create(**ASKED)
    assert show(message) == CONTENT
    assert (
        message.stop_reason,
        message.usage.input_tokens,
        message.usage.cache_read_input_tokens,
        message.usage.cache_creation_input_tokens,
        message.usage.output_tokens,
    ) == ("tool_use", 5, 7, 3, 11)
    assert message == Message.model_validate(json.loads(body))


def test_the_client_puts_a_stream_together() -> None:
    """A stream comes to the same message as the whole answer, with the true usage of its end."""
    stream = write_stream(EVENTS)
    message = stream_message(stream)
    assert show(message) == CONTENT
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 5, 11)
    for event in read_frames(stream):
        TypeAdapter[Any](RawMessageStreamEvent).validate_python(event)


@settings(deadline=None)
@given(st.lists(PIECE, max_size=8), FINISH)
def test_the_client_puts_any_stream_together(pieces: list[Any], finish: Finish) -> None:
    """Whatever is streamed, the client comes to just that."""
    events, content = expand(pieces)
    message = stream_message(write_stream([*events, finish, UsageReport(Usage(), "estimate")]))
    assert content == show(message)


@pytest.mark.parametrize(
    "error, expected",
    [
        (InvalidRequest("a"), anthropic.BadRequestError),
        (ContextOverflow(9, 8), anthropic.BadRequestError),
        (Unauthenticated("a"), anthropic.AuthenticationError),
        (Forbidden("a"), anthropic.PermissionDeniedError),
        (UnknownModel("a"), anthropic.NotFoundError),
        (TooLarge("a"), anthropic.APIStatusError),
        (Limited("a"), anthropic.RateLimitError),
        (UpstreamCut("a"), anthropic.InternalServerError),
        (UpstreamTimeout("a"), anthropic.InternalServerError),
        (Unavailable("a"), anthropic.InternalServerError),
        (InternalError("a"), anthropic.InternalServerError),
    ],
)
def test_the_client_raises_its_own_errors(error: SetariaError, expected: type[anthropic.APIStatusError]) -> None:
    """Each error is one of the client's own classes, and its body can be read there."""
    status, body = CODEC.write_error(error, CALL_ID)
    with pytest.raises(expected) as caught:
        client_of(status, body).messages.create(**ASKED)
    assert (status, json.loads(body)) == (caught.value.status_code, caught.value.body)


def test_the_client_raises_an_error_in_a_stream() -> None:
    """An error in mid-stream is raised by the client with its type and message."""
    writer = CODEC.open_stream(HEAD)
    stream = writer.open() + writer.write(TextDelta("a")) + writer.fail(UpstreamCut("the model server broke off"))
    with pytest.raises(anthropic.APIStatusError, match="the model server broke off"):
        stream_message(stream)


@pytest.mark.parametrize(
    "body, ask, expected",
    [
        (
            CODEC.write_count(42),
            lambda client: client.messages.count_tokens(model="seedling", messages=ASKED["messages"]).input_tokens,
            42,
        ),
        (
            CODEC.write_models([ModelCard("seedling", "Seedling", 0, "setaria", 8, 4)]),
            lambda client: [(model.id, model.created_at.year) for model in client.models.list()],
            [("seedling", 1970)],
        ),
        (
            CODEC.write_model(ModelCard("seedling", "Seedling", 0, "setaria", 8, 4)),
            lambda client: client.models.retrieve("seedling").display_name,
            "Seedling",
        ),
    ],
)
def test_the_client_reads_counts_and_models(
    body: bytes, ask: Callable[[anthropic.Anthropic], object], expected: object
) -> None:
    """Counts and models come to the client's own types."""
    assert expected == ask(client_of(200, body))
