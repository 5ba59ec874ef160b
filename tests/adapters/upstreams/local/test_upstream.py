"""Local upstream: answers, failures, crashes and pauses over a real socket."""

import asyncio
import tempfile
from pathlib import Path

import msgspec
import pytest

from setaria.adapters.upstreams.local.call import LIMIT_WAITING_TELLS
from setaria.adapters.upstreams.local.frames import (
    Cancel,
    Count,
    Counted,
    Done,
    Failed,
    Generate,
    ModelFigures,
    Observe,
    Observed,
    Piece,
    Ping,
    Pong,
    Started,
    Tell,
)
from setaria.adapters.upstreams.local.upstream import LocalUpstream
from setaria.core.dialogue import ToolChoice
from setaria.core.errors import (
    CallerError,
    ContextOverflow,
    InternalError,
    InvalidRequest,
    UpstreamBusy,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
)
from setaria.core.events import (
    Event,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.usage import Usage
from tests.adapters.upstreams.local.fake_engine import (
    WEATHER,
    FakeEngine,
    RecordingSink,
    engine_and_upstream,
    request,
    run,
)

CALL = "<tool_call>\n<function=get_weather>\n<parameter=city>Tianjin</parameter>\n</function>\n</tool_call>"


def report(input_tokens: int, output_tokens: int, cached: int = 0, reasoning: int = 0) -> UsageReport:
    """Make the usage report of the engine's own counts."""
    return UsageReport(Usage(input_tokens, cached, 0, output_tokens, reasoning), "upstream")


def answer_to(ask_id: str, *pieces: str, reason: str = "stop", stop_sequence: str = "") -> list[Tell]:
    """Tell a whole answer, one token a piece, to a prompt of 10 tokens."""
    said: list[Tell] = [Piece(ask_id, piece, 1) for piece in pieces]
    return [Started(ask_id, 10, 0, False), *said, Done(ask_id, reason, len(pieces), stop_sequence)]


def test_an_answer() -> None:
    """An answer comes as events, those of one piece of data in one call, then the finish and the usage."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        asked = request()
        upstream.start(asked, sink)
        ask = await engine.next_ask(Generate)
        assert (ask.model, ask.dialogue) == ("seedling", asked.dialogue)
        engine.tell(Started(ask.id, 10, 4, False), Piece(ask.id, "Hel", 1), Piece(ask.id, "lo", 1))
        await sink.change()
        engine.tell(Piece(ask.id, ".", 1), Done(ask.id, "stop", 4))
        await sink.change()
        assert sink.batches == [
            [TextDelta("Hel"), TextDelta("lo")],
            [TextDelta("."), Finish("stop"), report(6, 4, cached=4)],
        ]
        assert sink.errors == []

    run(story)


@pytest.mark.parametrize(
    "pieces,reason,stop_sequence,expected",
    [
        (("a",), "length", "", [TextDelta("a"), Finish("length"), report(10, 1)]),
        (("a",), "stop", "###", [TextDelta("a"), Finish("stop", "###"), report(10, 1)]),
        ((), "stop", "", [Finish("stop"), report(10, 0)]),
        (
            ("<think>", "a", "</think>", "b"),
            "stop",
            "",
            [ReasoningDelta("a"), TextDelta("b"), Finish("stop"), report(10, 4, reasoning=3)],
        ),
        (
            ("a <tool_call>",),
            "length",
            "",
            [TextDelta("a "), TextDelta("<tool_call>"), Finish("length"), report(10, 1)],
        ),
    ],
)
def test_endings(pieces: tuple[str, ...], reason: str, stop_sequence: str, expected: list[Event]) -> None:
    """The finish says why the engine stopped, and what was held back comes before it."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        upstream.start(request(tools=(WEATHER,)), sink)
        ask = await engine.next_ask(Generate)
        engine.tell(*answer_to(ask.id, *pieces, reason=reason, stop_sequence=stop_sequence))
        await sink.change()
        assert sink.events == expected

    run(story)


def test_an_answer_that_was_begun() -> None:
    """What goes on behind the beginning of an answer comes to the letter, its first newlines too."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        asked = request()
        asked = msgspec.structs.replace(asked, dialogue=msgspec.structs.replace(asked.dialogue, continues=True))
        upstream.start(asked, sink)
        ask = await engine.next_ask(Generate)
        assert ask.dialogue.continues is True
        engine.tell(*answer_to(ask.id, "\n", " two"))
        await sink.change()
        assert sink.events == [TextDelta("\n"), TextDelta(" two"), Finish("stop"), report(10, 2)]

    run(story)


def test_thinking_that_began_in_the_prompt() -> None:
    """An output that starts inside thinking is reasoning up to its closing mark."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        attempt = upstream.start(request(), sink)
        ask = await engine.next_ask(Generate)
        engine.tell(Started(ask.id, 10, 0, True), Piece(ask.id, "a</think>b", 3), Done(ask.id, "stop", 3))
        await sink.change()
        assert sink.events == [ReasoningDelta("a"), TextDelta("b"), Finish("stop"), report(10, 3, reasoning=3)]
        assert attempt.seen_usage() == Usage(10, 0, 0, 3, 3)

    run(story)


def test_tool_calls() -> None:
    """A call finishes the answer as tool calls; one that the limit cut has no valid JSON and finishes as length."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        for text, reason, arguments in (
            (CALL, "stop", '{"city": "Tianjin"}'),
            (CALL[: CALL.index("anjin")], "length", '{"city": "Ti'),
        ):
            sink = RecordingSink()
            upstream.start(request(tools=(WEATHER,)), sink)
            ask = await engine.next_ask(Generate)
            engine.tell(*answer_to(ask.id, text, reason=reason))
            await sink.change()
            first, *others = sink.events
            assert isinstance(first, ToolCallStart)
            said = "".join(event.arguments for event in others if isinstance(event, ToolCallDelta))
            assert (first.name, said) == ("get_weather", arguments)
            assert others[-2] == Finish("tool_calls" if reason == "stop" else "length")

    run(story)


def test_no_calls_where_none_are_wanted() -> None:
    """With tool choice `none` what looks like a call is text."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        upstream.start(request(tools=(WEATHER,), choice=ToolChoice("none")), sink)
        ask = await engine.next_ask(Generate)
        engine.tell(*answer_to(ask.id, CALL))
        await sink.change()
        assert sink.events == [TextDelta(CALL), Finish("stop"), report(10, 1)]

    run(story)


@pytest.mark.parametrize(
    "failed,kind,message,retry_after_s",
    [
        (
            Failed("", "context", "x", None, 9000, 8192),
            ContextOverflow,
            "prompt is too long: 9000 tokens > 8192 maximum",
            None,
        ),
        (Failed("", "busy", "the queue is full", 3), UpstreamBusy, "the queue is full", 3),
        (Failed("", "invalid", "no images"), InvalidRequest, "no images", None),
        (Failed("", "failed", "out of memory"), UpstreamFailed, "out of memory", None),
        (Failed("", "new", "odd"), UpstreamFailed, "odd", None),
    ],
)
def test_failures(
    failed: Failed, kind: type[UpstreamError | CallerError], message: str, retry_after_s: int | None
) -> None:
    """Each kind of failure reaches the sink as the error it is."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        attempt = upstream.start(request(), sink)
        ask = await engine.next_ask(Generate)
        fields = {name: getattr(failed, name) for name in failed.__struct_fields__}
        engine.tell(Failed(**fields | {"id": ask.id}))
        await sink.change()
        [error] = sink.errors
        assert (type(error), error.message, error.retry_after_s) == (kind, message, retry_after_s)
        assert (sink.batches, attempt.seen_usage()) == ([], None)

    run(story)


def test_a_failure_after_the_first_events_is_a_cut() -> None:
    """Events that came before a failure are delivered, and the failure is a cut."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        upstream.start(request(), sink)
        ask = await engine.next_ask(Generate)
        engine.tell(Started(ask.id, 10, 0, False), Piece(ask.id, "a", 1), Failed(ask.id, "failed", "out of memory"))
        await sink.change()
        assert sink.events == [TextDelta("a")]
        assert [(type(error), error.message) for error in sink.errors] == [(UpstreamCut, "out of memory")]

    run(story)


def test_two_calls_at_once() -> None:
    """Calls share the connection and each gets its own events."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sinks = [RecordingSink(), RecordingSink()]
        for number, sink in enumerate(sinks):
            upstream.start(request(str(number)), sink)
        first, second = await engine.next_ask(Generate), await engine.next_ask(Generate)
        engine.tell(Started(first.id, 1, 0, False), Started(second.id, 2, 0, False), Piece(second.id, "b", 1))
        engine.tell(Piece(first.id, "a", 1), Piece(second.id, "B", 1), Done(second.id, "stop", 2))
        engine.tell(Done(first.id, "stop", 1))
        while len(sinks[0].events) < 3:
            await sinks[0].change()
        assert sinks[0].events == [TextDelta("a"), Finish("stop"), report(1, 1)]
        assert sinks[1].events == [TextDelta("b"), TextDelta("B"), Finish("stop"), report(2, 2)]
        assert engine.connections == 1

    run(story)


def test_cancel() -> None:
    """A cancelled call is stopped at the engine and its sink hears no more; what was seen is still known."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink, other = RecordingSink(), RecordingSink()
        attempt = upstream.start(request(), sink)
        ask = await engine.next_ask(Generate)
        engine.tell(Started(ask.id, 10, 0, False), Piece(ask.id, "a", 1))
        await sink.change()
        attempt.cancel()
        attempt.cancel()
        assert await engine.next_ask(Cancel) == Cancel(ask.id)
        engine.tell(Piece(ask.id, "b", 1), Done(ask.id, "stop", 2))
        upstream.start(request(), other)
        after = await engine.next_ask(Generate)
        engine.tell(*answer_to(after.id, "c"))
        await other.change()
        assert (sink.events, sink.errors) == ([TextDelta("a")], [])
        assert attempt.seen_usage() == Usage(10, 0, 0, 1)

    run(story)


def test_cancel_before_the_connection() -> None:
    """A call that is cancelled before it was sent never reaches the engine."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        cancelled, sink = RecordingSink(), RecordingSink()
        upstream.start(request("one"), cancelled).cancel()
        kept = request("two")
        upstream.start(kept, sink)
        assert (await engine.next_ask(Generate)).dialogue == kept.dialogue
        assert (cancelled.events, cancelled.errors) == ([], [])

    run(story)


def test_a_sink_may_cancel_while_it_receives() -> None:
    """A sink that cancels in `receive` is not called again, even if the engine failed just then."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink(on_receive=lambda: attempt.cancel())  # noqa: PLW0108 - there is no attempt yet
        attempt = upstream.start(request(), sink)
        ask = await engine.next_ask(Generate)
        engine.tell(Started(ask.id, 10, 0, False), Piece(ask.id, "a", 1), Failed(ask.id, "failed", "out of memory"))
        await sink.change()
        assert (sink.events, sink.errors) == ([TextDelta("a")], [])

    run(story)


def test_a_crash_fails_all_calls_and_the_next_reconnects() -> None:
    """When the engine dies each call under way fails, as a cut if it had said something, and the next call works."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        begun, silent, later = RecordingSink(), RecordingSink(), RecordingSink()
        upstream.start(request(), begun)
        upstream.start(request(), silent)
        ask = await engine.next_ask(Generate)
        await engine.next_ask(Generate)
        engine.tell(Started(ask.id, 10, 0, False), Piece(ask.id, "a", 1))
        await begun.change()
        engine.crash()
        await begun.change()
        await silent.change()
        assert [type(error) for error in (*begun.errors, *silent.errors)] == [UpstreamCut, UpstreamFailed]
        assert begun.errors[0].message == "the local engine broke off; it is started anew by the next call"
        upstream.start(request(), later)
        ask = await engine.next_ask(Generate)
        engine.tell(*answer_to(ask.id, "b"))
        await later.change()
        assert later.events == [TextDelta("b"), Finish("stop"), report(10, 1)]
        assert engine.connections == 2

    run(story)


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x01\x01"])
def test_what_is_no_frame_ends_the_connection(data: bytes) -> None:
    """Bytes that are no frame fail the calls under way; the next call has a new connection."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        upstream.start(request(), sink)
        await engine.next_ask(Generate)
        engine.send(data)
        await sink.change()
        assert [type(error) for error in sink.errors] == [UpstreamFailed]
        upstream.start(request(), RecordingSink())
        await engine.next_ask(Generate)
        assert engine.connections == 2

    run(story)


@pytest.mark.parametrize("tell", [Piece("1", "a", 1), Done("1", "stop", 0), Counted("1", 5), Pong("1")])
def test_tells_out_of_order(tell: Tell) -> None:
    """A call that is told something in the wrong place fails alone and is stopped at the engine."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        upstream.start(request(), sink)
        await engine.next_ask(Generate)
        engine.tell(tell)
        await sink.change()
        assert [error.message for error in sink.errors] == [f"the local engine told {type(tell).__name__} out of order"]

    run(story)


def test_an_engine_that_is_not_there() -> None:
    """A call to a socket that nobody listens on fails, and so do counts and checks."""

    async def story() -> None:
        upstream = LocalUpstream(Path(tempfile.gettempdir()) / "no-such-folder" / "s")
        sink = RecordingSink()
        assert await upstream.check() == "the local engine can't be reached: No such file or directory"
        upstream.start(request(), sink)
        assert sink.errors == []
        await sink.change()
        message = "the local engine can't be reached: No such file or directory"
        assert [(type(error), error.message) for error in sink.errors] == [(UpstreamFailed, message)]
        assert (await upstream.check(), await upstream.count_input_tokens(request())) == (message, None)
        await upstream.close()

    asyncio.run(story())


def test_pause_and_resume() -> None:
    """While paused nothing is delivered to that sink, others go on; `resume` delivers all of it."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink, other = RecordingSink(), RecordingSink()
        attempt = upstream.start(request(), sink)
        upstream.start(request(), other)
        ask, second = await engine.next_ask(Generate), await engine.next_ask(Generate)
        attempt.pause()
        engine.tell(*answer_to(ask.id, "a", "b"), *answer_to(second.id, "c"))
        await other.change()
        assert (sink.batches, len(other.events)) == ([], 3)
        attempt.resume()
        assert sink.batches == []
        await sink.change()
        assert sink.batches == [[TextDelta("a"), TextDelta("b"), Finish("stop"), report(10, 2)]]

    run(story)


def test_a_crash_during_a_pause() -> None:
    """A failure ends a pause: what was kept is delivered, then the error."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink, other = RecordingSink(), RecordingSink()
        attempt = upstream.start(request(), sink)
        upstream.start(request(), other)
        ask, second = await engine.next_ask(Generate), await engine.next_ask(Generate)
        attempt.pause()
        engine.tell(Started(ask.id, 10, 0, False), Piece(ask.id, "a", 1), *answer_to(second.id))
        await other.change()
        engine.crash()
        await sink.change()
        assert (sink.events, [type(error) for error in sink.errors]) == ([TextDelta("a")], [UpstreamCut])

    run(story)


def test_a_pause_that_lasts_too_long() -> None:
    """A sink that stays paused while the answer outgrows the bound loses its call, which is stopped at the engine."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        attempt = upstream.start(request(), sink)
        ask = await engine.next_ask(Generate)
        attempt.pause()
        engine.tell(Started(ask.id, 10, 0, False), *[Piece(ask.id, "a", 1)] * LIMIT_WAITING_TELLS)
        assert await engine.next_ask(Cancel) == Cancel(ask.id)
        await sink.change()
        assert sink.events == [TextDelta("a")] * LIMIT_WAITING_TELLS
        assert [type(error) for error in sink.errors] == [UpstreamCut]

    run(story)


def test_a_sink_that_raises_fails_alone() -> None:
    """A defect in a sink ends its own call, is told to the loop, and leaves the others and the connection alone."""

    def break_down() -> None:
        raise ZeroDivisionError

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        defects: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: defects.append(context["exception"]))
        bad, good = RecordingSink(break_down), RecordingSink()
        upstream.start(request(), bad)
        upstream.start(request(), good)
        ask, second = await engine.next_ask(Generate), await engine.next_ask(Generate)
        engine.tell(Started(ask.id, 10, 0, False), Piece(ask.id, "a", 1), *answer_to(second.id, "b"))
        await good.change()
        assert [type(error) for error in bad.errors] == [InternalError]
        assert good.events == [TextDelta("b"), Finish("stop"), report(10, 1)]
        assert [type(defect) for defect in defects] == [ZeroDivisionError]
        assert await engine.next_ask(Cancel) == Cancel(ask.id)

    run(story)


@pytest.mark.parametrize(
    "tell,expected",
    [
        (Counted("1", 42), 42),
        (Failed("1", "context", "too long", None, 9000, 8192), 9000),
        (Failed("1", "busy", "full", 1), None),
        (Failed("1", "failed", "no model"), None),
    ],
)
def test_count(tell: Tell, expected: int | None) -> None:
    """A count is the engine's own, of a prompt that is too long as well; a failure is no count."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        asked = request()
        counting = asyncio.get_running_loop().create_task(upstream.count_input_tokens(asked))
        assert await engine.next_ask(Count) == Count("1", "seedling", asked.dialogue)
        engine.tell(tell, tell)
        assert await counting == expected

    run(story)


def test_questions_that_are_not_answered() -> None:
    """A count or check that takes too long ends without an answer and is stopped at the engine."""

    async def story() -> None:
        async with engine_and_upstream(answer_within_s=0.05) as (engine, upstream):
            assert await upstream.count_input_tokens(request()) is None
            count = await engine.next_ask(Count)
            assert await engine.next_ask(Cancel) == Cancel(count.id)
            upstream.start(request(), RecordingSink())
            await engine.next_ask(Generate)
            assert await upstream.check() == "the local engine did not answer within 0.05 s"

    asyncio.run(story())


@pytest.mark.parametrize("is_well", [True, False])
def test_check(is_well: bool) -> None:
    """A check asks the model that was used last, the built-in one before, and says what the engine says is wrong."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        for model in ("seedling", "another"):
            checking = asyncio.get_running_loop().create_task(upstream.check())
            ping = await engine.next_ask(Ping)
            engine.tell(Pong(ping.id) if is_well else Failed(ping.id, "failed", "no model file"))
            assert (ping.model, await checking) == (model, "" if is_well else "no model file")
            upstream.start(msgspec.structs.replace(request(), model="another"), RecordingSink())
            await engine.next_ask(Generate)

    run(story)


def test_observe() -> None:
    """What the engine tells of itself is handed on; what is no such tell counts as no answer."""
    figures = ModelFigures(
        "seedling", 16, loading=1, ready=2, kept_tokens=5, prefilled_tokens=9, reused_tokens=3, decoded_tokens=7
    )

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        assert not upstream.is_connected
        for answer, waiting in ((Observed("1", (figures,), 8, 0, 1, 0.5), 5), (Failed("2", "failed", "no"), None)):
            asking = asyncio.get_running_loop().create_task(upstream.observe())
            await engine.next_ask(Observe)
            engine.tell(answer)
            told = await asking
            assert (told.waiting_calls if told else None, upstream.is_connected) == (waiting, True)

    run(story)


def test_a_crash_ends_questions() -> None:
    """A count whose engine dies has no answer, at once."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        counting = asyncio.get_running_loop().create_task(upstream.count_input_tokens(request()))
        await engine.next_ask(Count)
        engine.crash()
        assert await counting is None

    run(story)


def test_close() -> None:
    """Closing fails the calls under way, whether connected or still connecting."""

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        connecting, under_way = RecordingSink(), RecordingSink()
        upstream.start(request(), connecting)
        await upstream.close()
        await connecting.change()
        upstream.start(request(), under_way)
        await engine.next_ask(Generate)
        await upstream.close()
        await under_way.change()
        errors = [error.message for error in (*connecting.errors, *under_way.errors)]
        assert errors == ["the server is stopping; send the request again"] * 2

    run(story)


def test_a_request_that_fits_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request above the frame limit is refused before it is sent, and never by `start` itself."""
    monkeypatch.setattr("setaria.adapters.upstreams.local.upstream.MAX_FRAME_BYTES", 100)

    async def story(engine: FakeEngine, upstream: LocalUpstream) -> None:
        sink = RecordingSink()
        upstream.start(request("x" * 200), sink)
        assert sink.errors == []
        await sink.change()
        assert [(type(error), error.param) for error in sink.errors] == [(InvalidRequest, "messages")]
        assert (await upstream.count_input_tokens(request("x" * 200)), engine.connections) == (None, 0)

    run(story)


def test_an_engine_that_hangs_up_at_once() -> None:
    """A connection that ends before anything was sent fails the calls that waited for it."""

    async def story() -> None:
        async with engine_and_upstream() as (engine, upstream):
            engine.hangs_up = True
            sink = RecordingSink()
            upstream.start(request(), sink)
            await sink.change()
            assert [type(error) for error in sink.errors] == [UpstreamFailed]

    asyncio.run(story())
