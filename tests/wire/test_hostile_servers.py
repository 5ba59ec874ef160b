"""Hostile servers: whatever a model server says in place of what it should is an answer or an error, never a defect.

Good answers of both protocols are changed at any place of their JSON, and then read, relayed and written for callers of
both protocols, as the gateway does.
"""

import json
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setaria.core.answer import AnswerBuilder
from setaria.core.errors import CallerError, UpstreamCut, UpstreamError
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event, Finish, FinishReason, UsageReport
from setaria.core.ids import CallId
from setaria.core.usage import Usage
from setaria.wire.codec import AnswerHead
from setaria.wire.upstream_codec import UpstreamCodec
from tests.adapters.upstreams.http.asking import CODECS as UPSTREAM_CODECS
from tests.adapters.upstreams.http.asking import DIALOGUE
from tests.fakes.platform import CODECS
from tests.fault_server import chat, messages
from tests.fault_server.loop import read_asked
from tests.fault_server.say import say
from tests.fault_server.scenario import Content, Scenario
from tests.wire.hostile_json import change

KINDS = ("openai", "anthropic")
CONTENTS: tuple[Content, ...] = ("text", "thinking", "tools", "parallel", "unicode")
FUZZED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ASKED = read_asked({"messages": []}, is_anthropic=False)
HEAD = AnswerHead(CallId("0" * 32), "public", 0, 0, lambda digest: digest.hex())


def stream_events(kind: str, content: Content, draw: Random) -> Iterator[bytes]:
    """Give the events of a stream, some of them changed, left out, doubled or out of their place."""
    scenario = Scenario(content)
    protocol = messages.messages_events if kind == "anthropic" else chat.chat_events
    events = [*protocol(say(scenario, ASKED), scenario, "there")]
    for _ in range(draw.randrange(3)):
        events.insert(draw.randrange(len(events)), draw.choice(events))
    for name, data in events:
        if draw.random() < 0.1:
            continue
        is_changed = data != chat.END and draw.random() < 0.25
        said = json.dumps(change(json.loads(data), draw)) if is_changed else data
        yield (f"event: {name}\n" * bool(name) + f"data: {said}\n\n").encode()


def changed_answer(kind: str, content: Content, draw: Random) -> bytes:
    """Give a whole answer that was changed a few times."""
    scenario = Scenario(content)
    write = messages.messages_answer if kind == "anthropic" else chat.chat_answer
    answer: object = write(say(scenario, ASKED), scenario, "there")
    for _ in range(draw.randrange(4)):
        answer = change(answer, draw)
    return json.dumps(answer).encode()


def write_for_callers(events: list[Event], error: UpstreamError | CallerError | None) -> None:
    """Write what came for callers of both protocols, as a stream and as a whole answer.

    As in the gateway an answer that has finished is whole, and its usage is estimated where the server did not tell it.
    """
    if any(isinstance(event, Finish) for event in events):
        error = None
        if not isinstance(events[-1], UsageReport):
            events = [*events, UsageReport(Usage(), "estimate")]
    elif error is None:
        error = UpstreamCut("it broke off")
    for codec in CODECS.values():
        writer = codec.open_stream(HEAD)
        data = writer.open() + b"".join(map(writer.write, events))
        data += writer.close() if error is None else writer.fail(error)
        assert data.endswith(b"\n\n")
        if error is not None:
            json.loads(codec.write_error(error, HEAD.call_id)[1])
            continue
        builder = AnswerBuilder()
        for event in events:
            builder.add(event)
        json.loads(codec.write_answer(HEAD, builder.build()))


def read_stream(codec: UpstreamCodec, data: bytes, size: int) -> None:
    """Read a stream in pieces and write what came of it."""
    reader = codec.open_reader(DIALOGUE)
    events: list[Event] = []
    error: UpstreamError | CallerError | None = None
    try:
        for at in range(0, len(data), size):
            events += reader.feed(data[at : at + size])
        events += reader.close()
    except (UpstreamError, CallerError) as told:
        error = told
    write_for_callers(events, error)


def relay_stream(codec: UpstreamCodec, data: bytes, size: int) -> None:
    """Relay a stream in pieces; what was sent on so far is always whole events, which can be joined."""
    reader = codec.open_relay("public", estimate_dialogue(DIALOGUE))
    sent = b""
    try:
        for at in range(0, len(data), size):
            sent += reader.feed(data[at : at + size])
            assert sent == b"" or sent.endswith(b"\n\n")
        sent += reader.close()
    except (UpstreamError, CallerError):
        pass
    assert sent == b"" or sent.endswith(b"\n\n")
    ways: tuple[tuple[bytes, FinishReason | None], ...] = ((sent, None), (data, "length"))
    for events, reason in ways:
        joiner = CODECS[codec.name].open_joiner(HEAD)
        joiner.add(events)
        assert isinstance(json.loads(joiner.close(Usage(), reason)), dict)
    assert reader.said_tokens >= 0
    if reader.usage is not None:
        assert min(reader.usage.input_tokens, reader.usage.output_tokens) >= 0


@pytest.mark.parametrize("kind", KINDS)
@FUZZED
@given(draw=st.randoms(use_true_random=False), content=st.sampled_from(CONTENTS), size=st.sampled_from([7, 50, 10_000]))
def test_any_stream(kind: str, draw: Random, content: Content, size: int) -> None:
    """Every stream is read and relayed to an end or an error, and callers of both protocols can be told of it."""
    data = b"".join(stream_events(kind, content, draw))
    read_stream(UPSTREAM_CODECS[kind], data, size)
    relay_stream(UPSTREAM_CODECS[kind], data, size)


@pytest.mark.parametrize("kind", KINDS)
@FUZZED
@given(draw=st.randoms(use_true_random=False), content=st.sampled_from(CONTENTS))
def test_any_whole_answer(kind: str, draw: Random, content: Content) -> None:
    """Every body is an answer or an error."""
    codec, body = UPSTREAM_CODECS[kind], changed_answer(kind, content, draw)
    try:
        write_for_callers(codec.read_answer(body, DIALOGUE), None)
    except (UpstreamError, CallerError) as error:
        write_for_callers([], error)
    try:
        sent, usage, said_tokens = codec.relay_answer(body, "public", DIALOGUE)
    except (UpstreamError, CallerError):
        return
    json.loads(sent)
    assert said_tokens >= 0
    assert usage is None or min(usage.input_tokens, usage.output_tokens) >= 0


@pytest.mark.parametrize("kind", KINDS)
@FUZZED
@given(draw=st.randoms(use_true_random=False), status=st.integers(400, 599), body=st.binary(max_size=40) | st.none())
def test_any_error(kind: str, draw: Random, status: int, body: bytes | None) -> None:
    """Every error body is an error for callers of both protocols."""
    write = messages.messages_error if kind == "anthropic" else chat.chat_error
    told: object = write(status, is_overflow=draw.random() < 0.3)
    for _ in range(draw.randrange(4)):
        told = change(told, draw)
    error = UPSTREAM_CODECS[kind].read_error(status, json.dumps(told).encode() if body is None else body, None)
    write_for_callers([], error)
