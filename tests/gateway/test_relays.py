"""Relays: an answer in the caller's own protocol goes on as it is, and ends as every other one does."""

from functools import partial

import msgspec
import pytest

from setaria.core.errors import UpstreamCut, UpstreamFailed
from setaria.core.events import ReasoningDelta, TextDelta
from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from setaria.domain.catalog.model import Model
from tests.fakes.client import RecordingClient
from tests.fakes.platform import SEEDLING, Stage, make_stage
from tests.fakes.relay_upstream import FakeRelayUpstream, Last
from tests.fakes.scripted_upstream import HELLO, PAUSE, USAGE, ScriptedUpstream, Step
from tests.fakes.waiting import until
from tests.gateway.calling import PROTOCOLS, begin, body_of, call, play_on

PIECES = (b"data: one\n\n", b"data: two\n\n")
END = Last(b"data: end\n\n", USAGE, 9)


def drains(drain_tokens: int) -> Model:
    """Describe a model whose answers are read on, up to so many tokens, when the client has left."""
    return msgspec.structs.replace(SEEDLING, on_client_gone="drain", drain_tokens=drain_tokens)


def on_relay(relay: FakeRelayUpstream, model: Model = SEEDLING) -> partial[Stage]:
    """Make a platform whose upstream is asked through this relay."""
    return partial(make_stage, None, model, (), relay)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stream(protocol: ProtocolName) -> None:
    """A stream's bytes reach the client as they came, the last ones after the row, with the upstream's counts."""
    client = RecordingClient(body_of(stream=True))
    relay = FakeRelayUpstream(protocol, *PIECES, PAUSE, END)

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        assert client.stream == b"".join(PIECES)
        stage.clock.advance(0.5)
        stage.ledger.close()
        relay.go_on()
        await until(lambda: stage.ledger.waiting)
        assert client.stream == b"".join(PIECES)
        stage.ledger.open()
        await task

    stage = play_on(story, on_relay(relay))
    (row,) = stage.ledger.rows
    assert (row.ending, row.status, row.usage, row.counts_from) == ("completed", 200, USAGE, "upstream")
    assert (row.first_token_ms, row.duration_ms, row.upstream, row.attempts) == (0, 500, "scripted", 1)
    assert (client.stream, client.is_over) == (b"".join((*PIECES, END.data)), True)
    request = relay.attempts[0].request
    assert (request.model, request.shown_model, request.stream) == ("seedling-there", "seedling", True)
    assert stage.upstream.attempts == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stream_that_comes_at_once(protocol: ProtocolName) -> None:
    """A stream whose first piece is its last begins as every stream does."""
    client = RecordingClient(body_of(stream=True))
    play_on(lambda stage: call(stage, protocol, client), on_relay(FakeRelayUpstream(protocol, END)))
    assert (client.is_streaming, client.stream, client.is_over) == (True, END.data, True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "usage, counts_from", [(USAGE, "upstream"), (None, "estimate"), (Usage(USAGE.input_tokens), "estimate")]
)
def test_a_whole_answer(protocol: ProtocolName, usage: Usage | None, counts_from: str) -> None:
    """A whole answer goes on as it came; what its upstream does not count is estimated."""
    client = RecordingClient(body_of())
    relay = FakeRelayUpstream(protocol, Last(b"{}", usage, 9))
    stage = play_on(lambda stage: call(stage, protocol, client), on_relay(relay))
    (row,) = stage.ledger.rows
    assert (client.status, client.body, row.ending, row.counts_from) == (200, b"{}", "completed", counts_from)
    assert row.usage.output_tokens == (USAGE.output_tokens if counts_from == "upstream" else 9)
    assert row.usage.input_tokens == (USAGE.input_tokens if usage else 10)


def test_another_protocol_is_translated() -> None:
    """A caller that speaks another protocol than the upstream gets its answer from the events."""
    client = RecordingClient(body_of())
    relay = FakeRelayUpstream("anthropic_messages", END)
    stage = play_on(lambda stage: call(stage, "openai_chat", client), on_relay(relay))
    assert (len(relay.attempts), len(stage.upstream.attempts)) == (0, 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_relay_that_breaks_off(protocol: ProtocolName) -> None:
    """A relayed stream that breaks off is told in-band, in the protocol's own event, and estimated."""
    client = RecordingClient(body_of(stream=True))
    relay = FakeRelayUpstream(protocol, *PIECES, UpstreamCut("it broke off"))
    (row,) = play_on(lambda stage: call(stage, protocol, client), on_relay(relay)).ledger.rows
    assert (row.ending, row.status, row.counts_from, row.usage.output_tokens) == ("upstream_cut", 200, "estimate", 2)
    assert client.stream.startswith(b"".join(PIECES))
    assert (client.stream.count(b"it broke off"), client.is_over) == (1, True)
    assert (b"event: error\n" in client.stream) == (protocol == "anthropic_messages")
    assert b"[DONE]" not in client.stream


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_relay_that_fails(protocol: ProtocolName, stream: bool) -> None:
    """A relay that fails before it said anything is asked once more; then the call has failed."""
    client = RecordingClient(body_of(stream=stream))
    relay = FakeRelayUpstream(protocol, UpstreamFailed("it is broken"))
    stage = play_on(lambda stage: call(stage, protocol, client), on_relay(relay))
    assert [(row.ending, row.status, row.attempts) for row in stage.ledger.rows] == [("upstream_failed", 502, 2)]
    assert (client.status, client.is_streaming, len(relay.attempts)) == (502, False, 2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_comes_after_the_end_is_ignored(protocol: ProtocolName) -> None:
    """Nothing that a relay says after its client left reaches anybody."""
    client = RecordingClient(body_of(stream=True))
    relay = FakeRelayUpstream(protocol, PIECES[0], PAUSE, PIECES[1], END, UpstreamCut("too late"))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        client.leave()
        relay.go_on()
        await task

    (row,) = play_on(story, on_relay(relay)).ledger.rows
    assert (row.ending, row.status, row.usage.output_tokens) == ("client_gone", 200, 2)
    assert relay.attempts[0].did == ["cancel"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("rest, output_tokens", [((PIECES[1], PAUSE), 2), ((END,), USAGE.output_tokens)])
def test_a_relay_is_drained(protocol: ProtocolName, rest: tuple[bytes | Last, ...], output_tokens: int) -> None:
    """Where a model is drained, its answer is read on after the client left, so far as the model allows."""
    client = RecordingClient(body_of(stream=True))
    relay = FakeRelayUpstream(protocol, PIECES[0], PAUSE, *rest)

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        assert client.watcher is not None
        client.watcher.client_full()
        client.leave()
        client.watcher.client_full()
        assert relay.attempts[0].did == ["pause", "resume"]
        relay.go_on()
        await task

    (row,) = play_on(story, on_relay(relay, drains(2))).ledger.rows
    assert (row.ending, row.usage.output_tokens) == ("client_gone", output_tokens)
    assert relay.attempts[0].did == ["pause", "resume"] + ([] if rest == (END,) else ["cancel"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said, drain_tokens, is_whole", [(True, 2, False), (True, 1000, True), (False, 1000, False)])
def test_an_answer_is_drained(
    protocol: ProtocolName, stream: bool, said: bool, drain_tokens: int, is_whole: bool
) -> None:
    """So is an answer that is read as events; one that had not begun is not waited for."""
    client = RecordingClient(body_of(stream=stream))
    upstream = ScriptedUpstream(*([(TextDelta("Hello"),)] if said else []), PAUSE, *HELLO)

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        client.leave()
        upstream.go_on()
        await task

    (row,) = play_on(story, partial(make_stage, upstream, drains(drain_tokens))).ledger.rows
    assert (row.ending, row.usage == USAGE) == ("client_gone", is_whole)
    assert upstream.attempts[0].did == (["resume"] if said else []) + ([] if is_whole else ["cancel"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_single_words_and_thoughts_are_written_and_counted(protocol: ProtocolName) -> None:
    """Text and reasoning that come one event at a time reach the client at once, and count until nobody wants more."""
    client = RecordingClient(body_of(stream=True))
    steps: list[Step] = [
        (ReasoningDelta("I think"),),
        (ReasoningDelta(" so"),),
        (TextDelta("Yes"),),
        (TextDelta(" I do"),),
    ]
    upstream = ScriptedUpstream(*steps, PAUSE, *[(TextDelta(" word"),)] * 9)

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        assert all(word in client.stream for word in (b"I think", b" so", b"Yes", b" I do"))
        client.leave()
        upstream.go_on()
        await task

    (row,) = play_on(story, partial(make_stage, upstream, drains(7))).ledger.rows
    assert (row.ending, row.counts_from) == ("client_gone", "estimate")
    assert (row.usage.output_tokens, row.usage.reasoning_tokens) == (7, 2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_stream_keeps_no_prompt(protocol: ProtocolName, stream: bool) -> None:
    """What was asked may be long: once an answer flows, and nobody can be asked again, nothing of it is held."""
    client = RecordingClient(body_of(stream=stream))
    relay = FakeRelayUpstream(protocol, *((PIECES[0], PAUSE) if stream else (PAUSE,)), END)
    held: list[bool] = []

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        asked = relay.attempts[0]._sink._routed.asked  # type: ignore[attr-defined]  # the flow's
        held.extend((bool(asked.dialogue.messages), bool(asked.envelope.fields)))
        assert (asked.stream, asked.dialogue.max_output_tokens) == (stream, 100)
        relay.go_on()
        await task

    (row,) = play_on(story, on_relay(relay)).ledger.rows
    assert (row.ending, row.stream, held) == ("completed", stream, [not stream, not stream])
