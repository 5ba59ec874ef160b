"""Endings: however an admitted call ends, its client is told in its protocol and one row is written."""

import msgspec
import pytest

from setaria.core.errors import ContextOverflow, UpstreamBusy, UpstreamCut, UpstreamFailed
from setaria.core.events import (
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
from tests.fakes.scripted_upstream import END, PAUSE, USAGE, ScriptedUpstream, Step
from tests.fakes.waiting import turns, until
from tests.gateway.calling import PROTOCOLS, begin, body_of, play

CALLS = [(protocol, stream) for protocol in PROTOCOLS for stream in (False, True)]
LAST_BYTES = {"openai_chat": b"data: [DONE]\n\n", "anthropic_messages": b'{"type":"message_stop"}\n\n'}
THINKS: Step = (ReasoningDelta("Well then"), ReasoningSignature("mark"), TextDelta("Hello"))
CALLS_TOOL: Step = (ToolCallStart(0, "call_1", "get_weather"), ToolCallDelta(0, '{"city":"Rome"}'))


def whole_text(protocol: ProtocolName, told: bytes) -> str:
    """Read the text out of a whole JSON answer."""
    answer = msgspec.json.decode(told)
    if protocol == "openai_chat":
        return str(answer["choices"][0]["message"]["content"])
    return "".join(block["text"] for block in answer["content"] if block["type"] == "text")


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_completed_call(protocol: ProtocolName, stream: bool) -> None:
    """A call that ends well gives its client the whole answer and writes the upstream's counts."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        call, task = begin(stage, protocol, client)
        stage.clock.advance(0.25)
        await task
        (row,) = stage.ledger.rows
        assert (row.id, row.status, row.ending, row.counts_from) == (call.call_id, 200, "completed", "upstream")
        assert (row.usage, row.charge_nano, row.stream, row.protocol) == (USAGE, 0, stream, protocol)
        assert (row.model, row.upstream, row.attempts) == ("seedling", "scripted", 1)
        assert (row.first_token_ms, row.duration_ms) == (250, 250)

    stage = play(story)
    assert client.is_over
    assert client.is_streaming == stream
    if stream:
        assert client.stream.endswith(LAST_BYTES[protocol])
    else:
        assert (client.status, whole_text(protocol, client.body)) == (200, "Hello there")
    assert stage.upstream.attempts[0].request.model == "seedling-there"
    assert stage.log.fields_of("call")["ending"] == "completed"


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_the_last_bytes_wait_for_the_row(protocol: ProtocolName, stream: bool) -> None:
    """A client that has its whole answer has been written down durably: its last bytes come after the row."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        call, task = begin(stage, protocol, client)
        await until(lambda: stage.upstream.attempts)
        stage.ledger.close()
        stage.upstream.go_on()
        await until(lambda: stage.ledger.waiting)
        await turns()
        assert not client.is_over
        assert b'finish_reason":"stop' not in client.told
        assert b"message_delta" not in client.told
        assert LAST_BYTES[protocol] not in client.told
        assert (b"Hello" in client.told) == stream
        stage.ledger.open()
        await task
        assert [row.id for row in stage.ledger.rows] == [call.call_id]

    play(story, ScriptedUpstream(PAUSE, (TextDelta("Hello"),), END))
    assert client.is_over
    assert not client.was_broken_off


@pytest.mark.parametrize("protocol, stream", CALLS)
@pytest.mark.parametrize("said, first_token_ms", [((), None), ((THINKS, CALLS_TOOL), 0)])
def test_a_client_that_leaves(
    protocol: ProtocolName, stream: bool, said: tuple[Step, ...], first_token_ms: int | None
) -> None:
    """A client that leaves ends the upstream's work at once; the row says how far it had come."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        client.leave()
        assert stage.upstream.attempts[0].did == ["cancel"]
        await task
        (row,) = stage.ledger.rows
        assert (row.ending, row.first_token_ms) == ("client_gone", first_token_ms)
        assert row.status == (200 if stream and said else 499)
        assert (row.usage.output_tokens > 0) == bool(said)
        assert (row.usage.reasoning_tokens, row.counts_from) == ((1 if stream else 3) if said else 0, "estimate")
        assert (row.usage.input_tokens > 0) == bool(said)

    play(story, ScriptedUpstream(*said, PAUSE, END))


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_client_that_left_before_the_upstream_was_asked(protocol: ProtocolName, stream: bool) -> None:
    """A client that was gone before its answer began costs the upstream nothing more than the question."""
    client = RecordingClient(body_of(stream=stream))
    client.leave()

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await task
        assert [row.ending for row in stage.ledger.rows] == ["client_gone"]

    stage = play(story, ScriptedUpstream(PAUSE))
    assert stage.upstream.attempts[0].did == ["cancel"]


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_the_upstream_counts_what_it_had_said(protocol: ProtocolName, stream: bool) -> None:
    """A call that ends early is written down with the upstream's own counts where it has any."""
    client = RecordingClient(body_of(stream=stream))
    seen = Usage(input_tokens=30, output_tokens=2)

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        client.leave()
        await task

    (row,) = play(story, ScriptedUpstream(THINKS, PAUSE, seen=seen)).ledger.rows
    assert (row.usage, row.counts_from) == (seen, "upstream")


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_the_upstream_counted_the_input_only(protocol: ProtocolName, stream: bool) -> None:
    """A call that ends early before its output was counted is written down with our estimate of that."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        client.leave()
        await task

    (row,) = play(story, ScriptedUpstream(THINKS, PAUSE, seen=Usage(30, 4))).ledger.rows
    assert (row.usage.input_tokens, row.usage.cached_input_tokens, row.counts_from) == (30, 4, "estimate")
    assert (row.usage.output_tokens, row.usage.reasoning_tokens) == ((2, 1) if stream else (5, 3))


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_the_upstream_counted_the_output_only(protocol: ProtocolName, stream: bool) -> None:
    """No prompt is empty: caller and books see our estimate of an input not counted, and the output as told."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await task

    told = UsageReport(Usage(output_tokens=9), "upstream")
    (row,) = play(story, ScriptedUpstream(THINKS, (Finish("stop"), told))).ledger.rows
    assert (row.usage.output_tokens, row.counts_from, row.usage.input_tokens > 0) == (9, "upstream", True)
    name = "prompt_tokens" if protocol == "openai_chat" else "input_tokens"
    assert b'"%b":%d,' % (name.encode(), row.usage.input_tokens) in client.told


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_an_upstream_that_fails(protocol: ProtocolName, stream: bool) -> None:
    """An upstream that fails before it said anything gives a whole error, with no stream, and a row."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await task

    (row,) = play(story, ScriptedUpstream(UpstreamFailed("it is broken"))).ledger.rows
    assert (row.ending, row.status, row.first_token_ms, row.usage) == ("upstream_failed", 502, None, Usage())
    assert (client.status, client.is_streaming) == (502, False)
    assert b"it is broken" in client.body


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_an_upstream_that_breaks_off(protocol: ProtocolName, stream: bool) -> None:
    """An upstream that breaks off gives an error in-band, or in place of the answer, and no end mark."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await task

    (row,) = play(story, ScriptedUpstream(THINKS, UpstreamCut("it broke off"))).ledger.rows
    assert (row.ending, row.status, row.counts_from) == ("upstream_cut", 200 if stream else 502, "estimate")
    assert b"it broke off" in client.told
    assert LAST_BYTES[protocol] not in client.told
    assert (client.is_over, client.status) == (True, 0 if stream else 502)


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_cut_after_the_finish_reason(protocol: ProtocolName, stream: bool) -> None:
    """An upstream that breaks off after it told why it stopped has given a whole answer; its tokens are estimated."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await task

    script = (TextDelta("Hello"), Finish("length"))
    (row,) = play(story, ScriptedUpstream(script, UpstreamCut("it broke off"))).ledger.rows
    expected = ("completed", 200, "estimate", 1 if stream else 2)
    assert (row.ending, row.status, row.counts_from, row.usage.output_tokens) == expected
    assert b"it broke off" not in client.told
    assert b"length" in client.told or b"max_tokens" in client.told
    assert not stream or client.stream.endswith(LAST_BYTES[protocol])


@pytest.mark.parametrize("protocol, stream", CALLS)
@pytest.mark.parametrize("said", [(), (THINKS,)])
def test_a_shutdown(protocol: ProtocolName, stream: bool, said: tuple[Step, ...]) -> None:
    """A call that the server's end cuts short is told so, in-band on a stream that flows, and written down."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        assert client.watcher is not None
        client.watcher.shut_down()
        await task

    stage = play(story, ScriptedUpstream(*said, PAUSE, END))
    flowing = stream and bool(said)
    assert [(row.ending, row.status) for row in stage.ledger.rows] == [("shutdown", 200 if flowing else 503)]
    assert b"the server is shutting down" in client.told
    assert client.headers == ({} if flowing else {"retry-after": "1"})
    assert stage.upstream.attempts[0].did == ["cancel"]


@pytest.mark.parametrize("protocol, stream", CALLS)
@pytest.mark.parametrize(
    "error, status, header",
    [
        (UpstreamBusy("too many calls", retry_after_s=3), 429, ("retry-after", "3")),
        (ContextOverflow(9000, 8192), 400, ("x-should-retry", "false")),
    ],
)
def test_an_upstream_that_refuses(
    protocol: ProtocolName, stream: bool, error: UpstreamBusy, status: int, header: tuple[str, str]
) -> None:
    """A call that the upstream refuses before it said anything is refused, and leaves no row."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await task

    stage = play(story, ScriptedUpstream(error))
    assert (client.status, tuple(client.headers.items())) == (status, (header,))
    assert stage.ledger.rows == []
    assert stage.log.events == []


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_what_comes_after_the_end_is_ignored(protocol: ProtocolName, stream: bool) -> None:
    """Whoever ends a call ends it for good: later events, failures and goodbyes change nothing."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        stage.ledger.close()
        _, task = begin(stage, protocol, client)
        await until(lambda: stage.ledger.waiting == 1)  # for the key
        stage.ledger.open()
        await until(lambda: client.watcher)
        stage.ledger.close()
        attempt = stage.upstream.attempts[0]
        attempt.play()
        attempt.say([TextDelta("more"), UsageReport(Usage(), "upstream")])
        assert client.watcher is not None
        client.watcher.shut_down()
        attempt.play()
        stage.ledger.open()
        await task
        assert [(row.ending, row.usage) for row in stage.ledger.rows] == [("completed", USAGE)]

    script: tuple[Step, ...] = (PAUSE, (TextDelta("Hello"), *END), PAUSE, UpstreamCut("too late"))
    play(story, ScriptedUpstream(*script))
    assert b"more" not in client.told
    assert b"too late" not in client.told


def test_a_slow_client_holds_the_upstream_up() -> None:
    """An upstream waits while the client does not keep up, and goes on when it has caught up."""
    client = RecordingClient(body_of(stream=True))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: client.watcher)
        assert client.watcher is not None
        client.watcher.client_full()
        client.watcher.client_ready()
        stage.upstream.go_on()
        await task

    stage = play(story, ScriptedUpstream(PAUSE, END))
    assert stage.upstream.attempts[0].did == ["pause", "resume"]


def test_a_failure_while_the_question_is_put() -> None:
    """An upstream may end an answer while it is being asked; it is then told once more that the answer is over."""
    client = RecordingClient(body_of())

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await task

    assert play(story, ScriptedUpstream(UpstreamFailed("no"))).upstream.attempts[0].did == ["cancel"]


def test_tools_that_are_left_out() -> None:
    """Tools that the platform does not offer are named in the log when they are dropped, unless nobody knows them."""
    kinds = ("web_search_20250305", "canary_20250305", "tool_search_tool_bm25", "bash_canary")
    client = RecordingClient(body_of(tools=[{"type": kind, "name": kind} for kind in kinds]))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "anthropic_messages", client)
        await task

    assert play(story).log.fields_of("left_out")["tools"] == [kinds[0], "unknown", kinds[2], "unknown"]
