"""Count: tokens of a request, free of charge but not without limit."""

import msgspec
import pytest

from setaria.core.errors import Limited, Unauthenticated, UnknownModel
from setaria.core.ids import KeyId
from setaria.gateway.count import MAX_COUNTS_PER_MINUTE, count, take_one
from setaria.gateway.desk import Desk
from setaria.wire.anthropic_messages import AnthropicMessages
from tests.fakes.client import RecordingClient
from tests.fakes.platform import ANY, Stage
from tests.fakes.scripted_upstream import ScriptedUpstream
from tests.gateway.calling import body_of, play, received

CODEC = AnthropicMessages()
LONG = [{"role": "user", "content": "word " * 20_000}]


@pytest.mark.parametrize(
    "counted, fields, expected",
    [
        (42, {}, 42),
        (0, {}, 0),
        (None, {}, 10),
        (42, {"messages": LONG}, 25_004),
    ],
)
def test_a_count(counted: int | None, fields: dict[str, object], expected: int) -> None:
    """The upstream counts what is small; what it can't tell and what is large is estimated."""

    async def story(stage: Stage) -> None:
        client = RecordingClient(body_of(**fields))
        call = received(stage, "anthropic_messages")
        await stage.platform.desk.clerk.enter()
        assert await count(call, CODEC, client, stage.platform) == expected

    assert play(story, ScriptedUpstream(counted=counted)).ledger.rows == []


@pytest.mark.parametrize("key, fields, error", [("sk-", {}, Unauthenticated), ("", {"model": "other"}, UnknownModel)])
def test_a_count_that_is_refused(key: str, fields: dict[str, object], error: type[Exception]) -> None:
    """A count needs a good key and a known model, as a call does."""

    async def story(stage: Stage) -> None:
        await stage.platform.desk.clerk.enter()
        call = received(stage, "anthropic_messages", key or stage.key)
        with pytest.raises(error):
            await count(call, CODEC, RecordingClient(body_of(**fields)), stage.platform)

    play(story)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_limit(workers: int) -> None:
    """A key may count 600 times in a minute, at however many workers; the next minute begins anew, and neither another
    key nor what else is counted is concerned.
    """

    async def story(stage: Stage) -> None:
        stage.clock.advance(20.5)
        desks = [stage.platform.desk]
        desks += [Desk(stage.book, "node", stage.clock, stage.log) for _ in range(workers - 1)]
        for desk in desks:
            await desk.clerk.enter()
        for number in range(MAX_COUNTS_PER_MINUTE):
            await take_one("token counts", ANY, desks[number % workers])
        for desk in desks:
            with pytest.raises(Limited, match="600 requests a minute on token counts with key_0 ") as refusal:
                await take_one("token counts", ANY, desk)
            assert refusal.value.retry_after_s == 40
        await take_one("token counts", msgspec.structs.replace(ANY, key_id=KeyId("key_2")), desks[0])
        await take_one("reports", ANY, desks[0])
        stage.clock.advance(40)
        for desk in desks:
            await desk.clerk.renew()
        await take_one("token counts", ANY, desks[-1])

    play(story)
