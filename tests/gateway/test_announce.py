"""Announce: what an answer's head tells of the limits, by what the worker last knew."""

import pytest

from setaria.core.errors import UpstreamFailed
from setaria.core.protocol import ProtocolName
from setaria.domain.accounts.records import Limits, ModelLimits
from setaria.domain.ledger.limit_notice import MinuteLimits, write_limits
from tests.fakes.platform import Stage
from tests.gateway.calling import PROTOCOLS
from tests.gateway.test_admit import PROMPT, ask, play, said

EVERY = Limits(every=ModelLimits(rpm=100, tpm=5000, in_flight=4))
SAID = 3
HELD = PROMPT + 100


def test_the_lines_of_both_protocols() -> None:
    """What is over the limit is told as nothing left; the minute's end is told in seconds, and as a moment."""
    lines = write_limits(MinuteLimits(100, 7, 5000, -20, 1_795_392_000_000 + 20_500))
    assert lines == (
        "x-ratelimit-limit-requests: 100\r\n"
        "x-ratelimit-remaining-requests: 7\r\n"
        "x-ratelimit-reset-requests: 40s\r\n"
        "anthropic-ratelimit-requests-limit: 100\r\n"
        "anthropic-ratelimit-requests-remaining: 7\r\n"
        "anthropic-ratelimit-requests-reset: 2026-11-23T00:01:00.000Z\r\n"
        "x-ratelimit-limit-tokens: 5000\r\n"
        "x-ratelimit-remaining-tokens: 0\r\n"
        "x-ratelimit-reset-tokens: 40s\r\n"
        "anthropic-ratelimit-tokens-limit: 5000\r\n"
        "anthropic-ratelimit-tokens-remaining: 0\r\n"
        "anthropic-ratelimit-tokens-reset: 2026-11-23T00:01:00.000Z\r\n"
    )


def left(announced: dict[str, str]) -> tuple[list[str], list[str]]:
    """Give what is left of requests and of tokens, as each protocol's clients read it."""
    return (
        [announced["x-ratelimit-remaining-requests"], announced["anthropic-ratelimit-requests-remaining"]],
        [announced["x-ratelimit-remaining-tokens"], announced["anthropic-ratelimit-tokens-remaining"]],
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_each_answer_tells_what_is_left(protocol: ProtocolName, stream: bool) -> None:
    """Of the requests this one is taken off, of the tokens what calls before it took and what it holds.

    What is told is as old as a millisecond.
    """

    async def story(stage: Stage) -> None:
        first = await ask(stage, protocol, stream=stream)
        asked = stage.book.engine.plays
        at_once = await ask(stage, protocol, stream=stream)
        stage.clock.advance(0.001)
        second = await ask(stage, protocol, stream=stream)
        assert stage.book.engine.plays == asked
        assert at_once.announced == first.announced
        assert left(first.announced) == (["99", "99"], [str(5000 - HELD)] * 2)
        assert left(second.announced) == (["97", "97"], [str(5000 - HELD - 2 * (PROMPT + SAID))] * 2)

    play(story, *said(SAID), money=100_000, limits=EVERY)


def test_an_answer_that_is_an_error_tells_it_too() -> None:
    """The request counts, whatever became of it."""

    async def story(stage: Stage) -> None:
        client = await ask(stage)
        assert client.status == 502
        assert left(client.announced)[0] == ["99", "99"]

    play(story, UpstreamFailed("it is broken"), money=100_000, limits=EVERY)


def test_an_account_without_limits_is_told_none() -> None:
    """There is nothing to tell but the balance."""

    async def story(stage: Stage) -> None:
        assert [*(await ask(stage)).announced] == ["x-setaria-balance"]

    play(story, *said(SAID), money=100_000)


def test_a_limit_of_nothing_is_refused_before_it_is_told() -> None:
    """A refused call has the headers of its refusal alone."""

    async def story(stage: Stage) -> None:
        client = await ask(stage)
        assert (client.status, client.announced) == (429, {})
        assert client.headers["x-ratelimit-remaining-requests"] == "0"

    play(story, *said(SAID), money=100_000, limits=Limits(every=ModelLimits(rpm=0, tpm=5000, in_flight=4)))
