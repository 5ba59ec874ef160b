"""Faults: what a caller of each kind hears of every fault that a model server can have."""

from functools import partial
from typing import NamedTuple

import msgspec
import pytest

from setaria.core.errors import (
    InvalidRequest,
    SetariaError,
    UpstreamBusy,
    UpstreamCut,
    UpstreamFailed,
    UpstreamRefused,
)
from setaria.core.usage import Usage
from tests.adapters.upstreams.http.asking import KEY, Bench, ByteTaker, EventTaker, play
from tests.fakes.waiting import until
from tests.fault_server.say import HUGE_CHARS, ODD_TEXT

KINDS = ("openai", "anthropic")
TEXT = "word0 word1 word2 word3 word4 "
TOLD = Usage(input_tokens=15, cached_input_tokens=4, output_tokens=7)
SAID_TOKENS = 3


class Well(NamedTuple):
    """An answer that is read whole."""

    scenario: str
    text: str = TEXT
    reasoning: str = ""
    calls: tuple[str, ...] = ()


PARIS, ROME = '{"city": "Paris"}', '{"city": "Rome"}'
WELL: list[Well] = [
    Well("text"),
    Well("thinking", reasoning="Let me think."),
    Well("tools", "", calls=(PARIS,)),
    Well("parallel", "", calls=(PARIS, ROME)),
    Well("huge", "x" * HUGE_CHARS),
    Well("unicode", "".join(ODD_TEXT)),
    Well("text:crlf"),
    Well("text:comments:crlf"),
    Well("unicode:bytewise", "".join(ODD_TEXT)),
    Well("unicode:bytewise:crlf:framing=sized", "".join(ODD_TEXT)),
    Well("parallel:glued", "", calls=(PARIS, ROME)),
    Well("text:framing=sized"),
    Well("text:framing=until_close"),
    Well("text:interim"),
    Well("text:close"),
    Well("text:dead"),
    Well("text:usage=double"),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("well", WELL, ids=lambda well: well.scenario)
def test_what_is_read_well(well: Well, kind: str, stream: bool) -> None:
    """However an answer is said and framed, it is read whole and its tokens are counted, as events and as bytes."""

    async def story(bench: Bench) -> None:
        read = await bench.take_events(well.scenario, stream=stream)
        relayed = await bench.take_bytes(well.scenario, stream=stream)
        answer = read.answer
        assert (read.error, relayed.error) == (None, None)
        assert (answer.text, answer.reasoning) == (well.text, well.reasoning)
        assert tuple(call.arguments.replace('":"', '": "') for call in answer.tool_calls) == well.calls
        assert answer.finish == ("tool_calls" if well.calls else "stop")
        assert (read.usage, relayed.usage) == (TOLD, TOLD)
        assert relayed.said_tokens >= 1
        assert relayed.last
        assert relayed.content.endswith(b"\n\n" if stream else b"}")
        assert len(relayed.pieces) >= (1 if stream else 0)
        assert b'"public"' in relayed.content
        assert bench.server.counts["cancelled"] == 0

    play(story, kind)


class Ill(NamedTuple):
    """An answer that fails: with which error, whether something was heard before, and how many seconds to wait."""

    scenario: str
    error: type[SetariaError]
    heard: bool = False
    retry_after_s: int | None = None


STREAMS: list[Ill] = [
    Ill("text:cut=0", UpstreamCut),
    Ill("text:cut=800", UpstreamCut, heard=True),
    Ill("text:cut=800:reset", UpstreamCut, heard=True),
    Ill("text:cut=800:framing=sized", UpstreamCut, heard=True),
    Ill("text:cut=800:framing=until_close", UpstreamCut, heard=True),
    Ill("text:tokens=9:unfinished", UpstreamCut, heard=True),
    Ill("text:error_after=5:gap_ms=1", UpstreamFailed, heard=True),
    Ill("text:error_after=0", UpstreamFailed),
]
ANY: list[Ill] = [
    Ill("text:garbage", UpstreamFailed),
    Ill("text:gzip", UpstreamFailed),
    Ill("text:big_head=70000", UpstreamFailed),
    Ill("text:status=302", UpstreamFailed),
    Ill("text:status=204", UpstreamFailed),
    Ill("text:status=400", InvalidRequest),
    Ill("text:status=401", UpstreamRefused),
    Ill("text:status=403", UpstreamRefused),
    Ill("text:status=404", UpstreamRefused),
    Ill("text:status=429:retry_after=7", UpstreamBusy, retry_after_s=7),
    Ill("text:status=500", UpstreamFailed),
    Ill("text:status=503:retry_after=2", UpstreamFailed, retry_after_s=2),
]
WHOLES: list[Ill] = [
    Ill("text:broken_after=0", UpstreamFailed),
    Ill("text:cut=100", UpstreamCut),
    Ill("text:cut=100:reset", UpstreamCut),
]
ILL = [(ill, True) for ill in STREAMS + ANY] + [(ill, False) for ill in WHOLES + ANY]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ill, stream", ILL, ids=lambda value: getattr(value, "scenario", value))
def test_what_goes_ill(ill: Ill, stream: bool, kind: str) -> None:
    """A fault is told once, by its kind and without our key, after what was said before it; the next call is well."""

    async def story(bench: Bench) -> None:
        read = await bench.take_events(ill.scenario, stream=stream)
        relayed = await bench.take_bytes(ill.scenario, stream=stream)
        for sink in (read, relayed):
            assert type(sink.error) is ill.error
            assert sink.error.retry_after_s == ill.retry_after_s
            assert KEY not in sink.error.message
        assert bool(read.batches) == ill.heard
        assert bool(relayed.pieces) == ill.heard
        assert (await bench.take_events("text", stream=stream)).usage == TOLD

    play(story, kind)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("usage", ["negative", "float"])
def test_odd_usage(usage: str, kind: str, stream: bool) -> None:
    """Numbers of tokens that can't be true reach neither the books nor the caller."""

    async def story(bench: Bench) -> None:
        read = await bench.take_events(f"text:usage={usage}", stream=stream)
        relayed = await bench.take_bytes(f"text:usage={usage}", stream=stream)
        assert (read.answer.text, relayed.error) == (TEXT, None)
        for told in (read.usage, relayed.usage):
            assert told is None or min(msgspec.structs.astuple(told)) >= 0
        assert b"-" not in relayed.content.replace(b"chatcmpl-", b"")
        assert b"7.0" not in relayed.content

    play(story, kind)


def are_over(events: EventTaker, data: ByteTaker) -> bool:
    """Whether both have been told an end."""
    return events.is_over and data.is_over


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_counts_that_can_not_be_true_are_named(kind: str, stream: bool) -> None:
    """An attempt knows them once it is over, however its answer was read; of good counts there is nothing to name."""

    async def story(bench: Bench) -> None:
        for scenario, is_named in (("text:usage=negative", True), ("text", False)):
            events, data = EventTaker(), ByteTaker()
            attempts = [
                bench.start(scenario, events, stream=stream),
                bench.relay(scenario, data, stream=stream),
            ]
            await until(partial(are_over, events, data))
            assert ["_tokens -7" in attempt.doubt() for attempt in attempts] == [is_named, is_named]

    play(story, kind)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_missing_usage(kind: str, stream: bool) -> None:
    """A server that tells no usage is told so after the answer's finish; a relayed answer ends without."""

    async def story(bench: Bench) -> None:
        read = await bench.take_events("text:usage=missing", stream=stream)
        relayed = await bench.take_bytes("text:usage=missing", stream=stream)
        assert (read.answer.text, type(read.error)) == (TEXT, UpstreamCut)
        assert (relayed.usage, relayed.error) == (None, None)
        assert relayed.said_tokens >= SAID_TOKENS

    play(story, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_no_stream_where_one_was_asked(kind: str) -> None:
    """A whole answer in place of a stream is read as events all the same, but can't be relayed as a stream."""

    async def story(bench: Bench) -> None:
        assert (await bench.take_events("thinking:json_stream")).answer.reasoning == "Let me think."
        relayed = await bench.take_bytes("thinking:json_stream")
        assert type(relayed.error) is UpstreamFailed
        assert relayed.pieces == []

    play(story, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_for_a_caller_who_wants_none(kind: str) -> None:
    """It is asked for in the caller's own words but for that, and a whole answer in its place will do."""

    async def story(bench: Bench) -> None:
        streamed = await bench.take_bytes_to_join("text")
        (request,) = bench.server.requests
        assert (request.json["stream"], request.json["max_tokens"]) == (True, 100)
        assert (await bench.take_bytes("text")).content == streamed.content
        whole = await bench.take_bytes_to_join("text:json_stream")
        assert (whole.pieces, whole.content) == ([], (await bench.take_bytes("text", stream=False)).content)

    play(story, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_after_the_finish(kind: str) -> None:
    """A stream that is cut after its finish reason is whole."""

    async def story(bench: Bench) -> None:
        read = await bench.take_events("text:cut_mark")
        relayed = await bench.take_bytes("text:cut_mark")
        assert (read.usage, read.error) == (TOLD, None)
        assert (relayed.usage, relayed.error) == (TOLD, None)
        whole = await bench.take_bytes("text")
        assert relayed.content.replace(b" ", b"") == whole.content.replace(b" ", b"")

    play(story, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_at_any_byte(stream: bool, kind: str) -> None:
    """Wherever an answer is cut, its end is told once: as well where only the end mark was missing, else as a cut."""

    async def story(bench: Bench) -> None:
        for at in range(0, 1800, 53):
            read = await bench.take_events(f"text:cut={at}", stream=stream)
            relayed = await bench.take_bytes(f"text:cut={at}", stream=stream)
            assert TEXT.startswith(read.answer.text)
            for error, is_whole in (
                (read.error, read.answer.text == TEXT),
                (relayed.error, b"word4" in relayed.content),
            ):
                assert is_whole if error is None else type(error) is UpstreamCut, at

    play(story, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_event(kind: str) -> None:
    """An event that is no JSON ends the call, after what was said before it."""

    async def story(bench: Bench) -> None:
        read = await bench.take_events("text:broken_after=5:gap_ms=1")
        assert type(read.error) is UpstreamFailed
        assert TEXT.startswith(read.answer.text)
        assert read.answer.text

    play(story, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_dead_once(kind: str) -> None:
    """Faults that pass are told once, and the next call over the same upstream is well."""

    async def story(bench: Bench) -> None:
        assert type((await bench.take_events("text:status=500:times=1")).error) is UpstreamFailed
        assert (await bench.take_events("text:status=500:times=1")).usage == TOLD
        assert bench.server.counts["connections"] == 1

    play(story, kind)
