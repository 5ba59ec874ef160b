"""Clocks: a stream is kept alive while its model is silent, and no call waits for longer than its model may take."""

from functools import partial

import msgspec
import pytest

from setaria.core.entries import Timeouts
from setaria.core.errors import ContextOverflow, UpstreamBusy, UpstreamError, UpstreamFailed
from setaria.core.events import TextDelta
from setaria.core.ids import CallId
from setaria.core.protocol import ProtocolName
from setaria.gateway.audience import KEEP_ALIVE_S, Audience
from setaria.gateway.flow import SilentTail
from tests.fakes.client import RecordingClient
from tests.fakes.platform import CODECS, SEEDLING, Stage, make_stage
from tests.fakes.relay_upstream import FakeRelayUpstream, Last
from tests.fakes.scripted_upstream import HELLO, PAUSE, ScriptedUpstream, Step
from tests.fakes.waiting import until
from tests.gateway.calling import PROTOCOLS, begin, body_of, play, play_on

CALLS = [(protocol, stream) for protocol in PROTOCOLS for stream in (False, True)]
SAID: Step = (TextDelta("Hello"),)
TIMEOUTS = Timeouts(first_token_s=40, between_tokens_s=20, total_s=100)
HASTY = msgspec.structs.replace(SEEDLING, timeouts=TIMEOUTS)


def wait(stage: Stage, client: RecordingClient, seconds: float) -> None:
    """Let time pass from one of the server's ticks to another; the first notes what has come so far."""
    assert client.watcher is not None
    client.watcher.tick(stage.clock.monotonic_s())
    stage.clock.advance(seconds)
    client.watcher.tick(stage.clock.monotonic_s())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("said", [(), (SAID,)])
def test_a_silent_stream_is_kept_alive(protocol: ProtocolName, said: tuple[Step, ...]) -> None:
    """A stream in which nothing was written for 15 seconds gets a sign of life, and then its answer all the same."""
    client = RecordingClient(body_of(stream=True))
    sign = CODECS[protocol].keep_alive

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        wait(stage, client, KEEP_ALIVE_S - 1)
        assert (client.stream.count(sign), client.is_streaming) == (0, bool(said))
        wait(stage, client, 1)
        assert (client.stream.count(sign), client.is_streaming) == (1, True)
        wait(stage, client, KEEP_ALIVE_S)
        assert client.stream.count(sign) == 2
        stage.upstream.go_on()
        await task

    stage = play(story, ScriptedUpstream(*said, PAUSE, *HELLO))
    assert [(row.ending, row.status) for row in stage.ledger.rows] == [("completed", 200)]
    assert b"Hello" in client.stream


def test_only_streams_are_kept_alive() -> None:
    """A whole answer is waited for without a word, and nothing is written to who has left."""
    whole, gone = RecordingClient(body_of()), RecordingClient(body_of(stream=True))

    async def story(stage: Stage) -> None:
        for client in (whole, gone):
            _, task = begin(stage, "openai_chat", client)
            await until(lambda client=client: client.watcher)  # type: ignore[misc]  # a default binds it
            watcher = client.watcher
            if client is gone:
                client.leave()
            assert watcher is not None
            watcher.tick(KEEP_ALIVE_S)
            stage.upstream.go_on()
            await task

    play(story, ScriptedUpstream(PAUSE, *HELLO))
    assert (whole.is_streaming, whole.status, gone.is_streaming) == (False, 200, False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "error, words",
    [
        (UpstreamFailed("it is broken"), b"it is broken"),
        (UpstreamBusy("it is busy", retry_after_s=9), b"it is busy"),
        (ContextOverflow(9000, 8192), b"9000"),
    ],
)
@pytest.mark.parametrize("relayed", [False, True])
def test_a_failure_after_a_sign_of_life(
    protocol: ProtocolName, error: UpstreamError | ContextOverflow, words: bytes, relayed: bool
) -> None:
    """A call that fails when its stream was opened to keep it alive is told so in-band, without an end mark."""
    client = RecordingClient(body_of(stream=True))
    upstream = ScriptedUpstream(PAUSE, error)
    relay = FakeRelayUpstream(protocol, PAUSE, error) if relayed else None

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        wait(stage, client, KEEP_ALIVE_S)
        asked = relay or upstream
        asked.go_on()
        await until(lambda: task.done() or len(asked.attempts) > 1)
        asked.go_on()
        await task

    (row,) = play_on(story, partial(make_stage, upstream, SEEDLING, (), relay)).ledger.rows
    assert (row.ending, row.status) == ("upstream_failed", 200)
    assert words in client.stream
    assert (b"event: error\n" in client.stream) == (protocol == "anthropic_messages")
    assert (client.is_over, client.was_broken_off, b"[DONE]" in client.stream) == (True, False, False)


def test_a_client_that_leaves_a_stream_without_an_answer() -> None:
    """A client that leaves when it has got signs of life alone leaves a row like any other."""
    client = RecordingClient(body_of(stream=True))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: client.watcher)
        wait(stage, client, KEEP_ALIVE_S)
        client.leave()
        await task

    (row,) = play(story, ScriptedUpstream(PAUSE)).ledger.rows
    assert (row.ending, row.status, row.first_token_ms) == ("client_gone", 200, None)


def test_a_stream_that_was_only_kept_alive_has_no_end_mark() -> None:
    """There is no good end of a stream in which nothing was said."""
    stage, client = make_stage(), RecordingClient()
    audience = Audience(client, CODECS["openai_chat"], CallId("0" * 32), stage.clock, stream=True)
    assert SilentTail(audience).close() == b""


@pytest.mark.parametrize("protocol, stream", CALLS)
@pytest.mark.parametrize(
    "said, silence_s, streams_only, words",
    [
        ((), 41, True, b"the model said nothing for 40 s"),
        ((SAID,), 21, False, b"the model fell silent for 20 s"),
        ((), 101, False, b"the answer took longer than 100 s"),
        ((SAID,), 101, False, b"the answer took longer than 100 s"),
    ],
)
def test_a_model_that_takes_too_long(
    protocol: ProtocolName,
    stream: bool,
    said: tuple[Step, ...],
    silence_s: int,
    streams_only: bool,
    words: bytes,
) -> None:
    """A call ends as a timeout when its model is silent for too long before or between tokens, or takes too long.

    Before a whole answer the model is not expected to say anything.
    """
    client = RecordingClient(body_of(stream=stream))
    ends = stream or not streams_only

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        wait(stage, client, silence_s)
        if not ends:
            stage.upstream.go_on()
        await task

    stage = play_on(story, partial(make_stage, ScriptedUpstream(*said, PAUSE, *HELLO), HASTY))
    assert [row.ending for row in stage.ledger.rows] == ["timeout" if ends else "completed"]
    assert (words in client.told) == ends
    assert stage.upstream.attempts[0].did == (["cancel"] if ends else [])


@pytest.mark.parametrize("said, silence_s", [((), 40), ((SAID,), 20), ((SAID,) * 4, 20)])
def test_a_model_that_is_just_in_time(said: tuple[Step, ...], silence_s: int) -> None:
    """Whatever the model says starts its clock anew."""
    client = RecordingClient(body_of(stream=True))
    script = [step for each in said for step in (each, PAUSE)] or [PAUSE]

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: client.watcher)
        for _ in script[::2]:
            wait(stage, client, silence_s)
            stage.upstream.go_on()
        await task

    stage = play_on(story, partial(make_stage, ScriptedUpstream(*script, *HELLO), HASTY))
    assert [row.ending for row in stage.ledger.rows] == ["completed"]


@pytest.mark.parametrize("caught_up", [False, True])
def test_a_client_that_does_not_keep_up_stops_the_clock(caught_up: bool) -> None:
    """While a model waits for the client it can't be late; when it may go on its clock starts anew."""
    client = RecordingClient(body_of(stream=True))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: client.watcher)
        assert client.watcher is not None
        client.watcher.client_full()
        wait(stage, client, 60)
        assert not task.done()
        if caught_up:
            client.watcher.client_ready()
            wait(stage, client, 20)
            assert not task.done()
            wait(stage, client, 1)
        else:
            wait(stage, client, 41)
        await task

    stage = play_on(story, partial(make_stage, ScriptedUpstream(SAID, PAUSE), HASTY))
    assert [row.ending for row in stage.ledger.rows] == ["timeout"]
    assert (b"fell silent" in client.stream, b"took longer" in client.stream) == (caught_up, not caught_up)


def test_who_was_full_before_an_attempt_began() -> None:
    """An attempt that begins while the client does not keep up waits from its first moment, and then goes on."""
    client = RecordingClient(body_of(stream=True))
    upstream = ScriptedUpstream(PAUSE, *HELLO)
    upstream.first = [(PAUSE, UpstreamFailed("it is broken"))]

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: client.watcher)
        assert client.watcher is not None
        client.watcher.client_full()
        upstream.go_on()
        await until(lambda: len(upstream.attempts) == 2)
        await until(lambda: upstream.attempts[1].did)
        client.watcher.client_ready()
        upstream.go_on()
        await task

    play_on(story, partial(make_stage, upstream))
    assert [attempt.did for attempt in upstream.attempts] == [["pause", "cancel"], ["pause", "resume"]]


def test_a_client_that_is_full_before_anything_was_asked() -> None:
    """What happens to a client before its upstream was asked is told to the attempt when it begins."""
    client = RecordingClient(body_of(stream=True))
    client.is_full_at_once = True
    relay = FakeRelayUpstream("openai_chat", Last(b"data: end\n\n", None))
    play_on(
        lambda stage: begin(stage, "openai_chat", client)[1],
        partial(make_stage, None, SEEDLING, (), relay),
    )
    assert relay.attempts[0].did == ["cancel", "pause"]
