"""Clocks: how long a model server may take for each step, how long calls wait and connections stay idle."""

import asyncio
from functools import partial

import msgspec
import pytest

from setaria.core.entries import Timeouts
from setaria.core.errors import (
    UpstreamBusy,
    UpstreamTimeout,
)
from tests.adapters.upstreams.http.asking import (
    Bench,
    ByteTaker,
    EventTaker,
    play,
    request_for,
)
from tests.fakes.waiting import turns, until

KINDS = ("openai", "anthropic")


CLOCKS: list[tuple[str, bool, float, float, str]] = [
    ("text:silent", True, 1.9, 0.2, "said nothing for 2 s"),
    ("text:first_delay_ms=60000", True, 1.9, 0.2, "said nothing for 2 s"),
    ("text:hang_after=5", True, 2.9, 0.2, "broke off its answer and stayed silent for 3 s"),
    ("text:hang_after=1", True, 1.9, 0.2, "said nothing for 2 s"),
    ("text:silent", False, 59.0, 1.1, "did not end its answer within 60 s"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scenario, stream, well_s, more_s, words", CLOCKS)
def test_clocks(scenario: str, stream: bool, well_s: float, more_s: float, words: str, kind: str) -> None:
    """A server that is silent for too long is left, its place freed, and the caller is told which clock ran out."""

    async def story(bench: Bench) -> None:
        events, data = EventTaker(), ByteTaker()
        bench.start(scenario, events, stream=stream)
        bench.relay(scenario, data, stream=stream)
        await until(lambda: bench.server.counts["requests"] == 2)
        if "hang_after=5" in scenario:
            await until(lambda: events.batches and data.pieces)
        await turns(50)
        bench.pass_time(well_s)
        assert (events.is_over, data.is_over) == (False, False)
        bench.pass_time(more_s)
        for sink in (events, data):
            assert isinstance(sink.error, UpstreamTimeout)
            assert sink.error.message == f"vllm-1 {words}"
        await until(lambda: bench.server.counts["cancelled"] == 2)

    play(story, kind)


def test_the_clock_between_tokens_begins_anew() -> None:
    """Each token gives the server its whole time again; the total runs on."""

    async def story(bench: Bench) -> None:
        sink = EventTaker()
        bench.start("text:tokens=40:gap_ms=2", sink)
        for _ in range(12):
            await until(partial(_has_heard_more, sink, len(sink.batches)))
            bench.pass_time(2.5)
        assert not sink.is_over
        bench.clock.advance(31)
        await until(lambda: len(sink.batches) > 13)
        bench.upstream.tick(bench.clock.monotonic_s())
        assert str(sink.error) == "vllm-1 did not end its answer within 60 s"

    play(story)


def _has_heard_more(sink: EventTaker, seen: int) -> bool:
    return len(sink.batches) > seen


def test_clocks_of_the_request() -> None:
    """A model's own clocks come before the upstream's."""

    async def story(bench: Bench) -> None:
        sink = EventTaker()
        request = msgspec.structs.replace(request_for("text:silent"), timeouts=Timeouts(first_token_s=0.5))
        bench.upstream.start(request, sink)
        await until(lambda: bench.server.counts["requests"])
        bench.pass_time(0.6)
        assert str(sink.error) == "vllm-1 said nothing for 0.5 s"

    play(story)


def test_an_answer_that_is_told_but_not_ended() -> None:
    """A server that tells its usage and never ends the body holds up nobody; its connection is closed after a while."""

    async def story(bench: Bench) -> None:
        events = EventTaker()
        bench.start("text:hang_after=99", events)
        await until(lambda: events.is_over)
        assert events.error is None
        assert bench.server.counts["open"] == 1
        await turns()
        bench.pass_time(5.5)
        await until(lambda: bench.server.counts["cancelled"] == 1)

    play(story, "anthropic")


def test_the_cap_of_calls() -> None:
    """Beyond the cap calls wait in line, each for a limited time; cancelled ones leave the line."""

    async def story(bench: Bench) -> None:
        sinks = [EventTaker() for _ in range(5)]
        attempts = [
            bench.start("text:hang_after=3" if number < 2 else "text", sink) for number, sink in enumerate(sinks)
        ]
        await until(lambda: sinks[0].batches and sinks[1].batches)
        assert bench.upstream.connections == (2, 0, 3)
        attempts[3].cancel()
        attempts[0].cancel()
        await until(lambda: sinks[2].is_over and sinks[4].is_over)
        assert [sinks[number].error for number in (2, 4)] == [None, None]
        await until(lambda: bench.upstream.connections == (2, 1, 0))
        sinks[0] = EventTaker()
        bench.start("text:hang_after=3", sinks[0])
        late = EventTaker()
        bench.start("text", late)
        await turns()
        bench.pass_time(1.5)
        assert isinstance(late.error, UpstreamBusy)
        assert late.error.retry_after_s == 1
        assert bench.server.counts["requests"] == 5

    play(story, concurrency=2, max_wait_s=1.0)


def test_idle_connections_are_closed() -> None:
    """A connection that nobody has used for a minute is closed, the others stay."""

    async def story(bench: Bench) -> None:
        await asyncio.gather(*(bench.take_events("text") for _ in range(3)))
        await turns()
        assert bench.upstream.connections == (3, 3, 0)
        bench.pass_time(50)
        await bench.take_events("text")
        await turns()
        bench.pass_time(15)
        await turns()
        assert bench.upstream.connections == (1, 1, 0)
        await until(lambda: bench.server.counts["open"] == 1)

    play(story)


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_without_end(stream: bool) -> None:
    """A refusal whose body does not end is told as it is after a while, not as a timeout."""

    async def story(bench: Bench) -> None:
        events, data = EventTaker(), ByteTaker()
        bench.start("text:status=429:retry_after=3:slow_refusal", events, stream=stream)
        bench.relay("text:status=429:retry_after=3:slow_refusal", data, stream=stream)
        await until(lambda: bench.server.counts["requests"] == 2)
        await turns(50)
        bench.pass_time(5.5)
        for sink in (events, data):
            assert isinstance(sink.error, UpstreamBusy)
            assert sink.error.retry_after_s == 3
        await until(lambda: bench.server.counts["cancelled"] == 2)

    play(story)
