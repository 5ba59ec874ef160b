"""Count: tokens of a request, free of charge but not without limit."""

import pytest

from setaria.core.errors import Limited, Unauthenticated, UnknownModel
from setaria.core.ids import KeyId
from setaria.gateway.count import MAX_COUNTS_PER_MINUTE, CountLimit, count
from setaria.wire.anthropic_messages import AnthropicMessages
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
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
        assert await count(call, CODEC, client, stage.platform, CountLimit()) == expected

    assert play(story, ScriptedUpstream(counted=counted)).ledger.rows == []


@pytest.mark.parametrize("key, fields, error", [("sk-", {}, Unauthenticated), ("", {"model": "other"}, UnknownModel)])
def test_a_count_that_is_refused(key: str, fields: dict[str, object], error: type[Exception]) -> None:
    """A count needs a good key and a known model, as a call does."""

    async def story(stage: Stage) -> None:
        call = received(stage, "anthropic_messages", key or stage.key)
        with pytest.raises(error):
            await count(call, CODEC, RecordingClient(body_of(**fields)), stage.platform, CountLimit())

    play(story)


def test_the_limit() -> None:
    """A key may count 600 times in a minute; the next minute begins anew, and another key is not concerned."""
    limit = CountLimit()
    at_ms = 60_000 * 1000 + 20_500
    for _ in range(MAX_COUNTS_PER_MINUTE):
        limit.take(KeyId("key_1"), at_ms)
    with pytest.raises(Limited) as refusal:
        limit.take(KeyId("key_1"), at_ms)
    assert refusal.value.retry_after_s == 40
    limit.take(KeyId("key_2"), at_ms)
    limit.take(KeyId("key_1"), at_ms + 40_000)
