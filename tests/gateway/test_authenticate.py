"""Authenticate: one good key, remembered for as long as nothing changes."""

import asyncio

import pytest

from setaria.core.errors import Forbidden, InvalidRequest, Unauthenticated, Unavailable
from setaria.gateway import authenticate as authenticating
from setaria.gateway.authenticate import authenticate, one_credential
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage, add_key
from tests.fakes.waiting import turns, until
from tests.gateway.calling import begin, body_of, play, received


def test_no_credential() -> None:
    """A call without a key is told where to put one."""
    with pytest.raises(Unauthenticated, match="x-api-key"):
        one_credential(())


def test_credentials_that_agree() -> None:
    """The same key in several headers is one key."""
    assert one_credential(("sk-1", "sk-1")) == "sk-1"


def test_credentials_that_differ() -> None:
    """Two different keys are refused: nobody can tell which one is meant."""
    with pytest.raises(InvalidRequest, match="two different keys"):
        one_credential(("sk-1", "sk-1", "sk-2"))


@pytest.mark.parametrize(
    "spoil, fragment",
    [
        (lambda key: key[:-1], "mistyped"),
        (lambda key: key[:5] + ("A" if key[5] != "A" else "B") + key[6:], "mistyped"),
        (lambda key: "sk-your-key", "placeholder"),
        (lambda key: "token", "not one of this server"),
    ],
)
def test_a_text_that_is_no_key(spoil: "type[str]", fragment: str) -> None:
    """A text that can't be a key is told so, and costs no question to the store."""

    async def story(stage: Stage) -> None:
        with pytest.raises(Unauthenticated, match=fragment):
            await authenticate(received(stage, "openai_chat", spoil(stage.key)), stage.platform.keys)

    assert play(story).ledger.asked == 0


def test_a_known_key_is_remembered() -> None:
    """A key is looked up once, and a key of nobody as well."""

    async def story(stage: Stage) -> None:
        unknown = add_key(stage.ledger)
        stage.ledger.callers.popitem()
        for _ in range(3):
            identified = await authenticate(received(stage), stage.platform.keys)
            assert identified.caller in stage.ledger.callers.values()
            with pytest.raises(Unauthenticated, match="unknown or was revoked"):
                await authenticate(received(stage, "openai_chat", unknown), stage.platform.keys)
        assert stage.ledger.asked == 2

    play(story)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_may_not_call(status: str) -> None:
    """The key of an account that is not active is refused."""

    async def story(stage: Stage) -> None:
        key = add_key(stage.ledger, status)  # type: ignore[arg-type]  # one of the statuses
        with pytest.raises(Forbidden, match=status):
            await authenticate(received(stage, "openai_chat", key), stage.platform.keys)

    play(story)


def test_a_revoked_key_dies_with_the_next_news() -> None:
    """A revoked key is good until the cache hears of a change, and not after."""

    async def story(stage: Stage) -> None:
        await authenticate(received(stage), stage.platform.keys)
        stage.ledger.callers.clear()
        await authenticate(received(stage), stage.platform.keys)
        stage.platform.keys.forget()
        with pytest.raises(Unauthenticated):
            await authenticate(received(stage), stage.platform.keys)

    play(story)


def test_a_look_up_that_is_overtaken_is_not_remembered() -> None:
    """What was read before a change is not remembered after it."""

    async def story(stage: Stage) -> None:
        stage.ledger.close()
        looking = asyncio.get_running_loop().create_task(stage.platform.keys.find(stage.key))
        await until(lambda: stage.ledger.waiting)
        stage.ledger.callers.clear()
        stage.platform.keys.forget()
        stage.ledger.open()
        assert await looking is not None
        assert await stage.platform.keys.find(stage.key) is None
        assert stage.ledger.asked == 2

    play(story)


def test_nothing_is_believed_without_news() -> None:
    """When the news has stopped, even a known key is not believed."""

    async def story(stage: Stage) -> None:
        await authenticate(received(stage), stage.platform.keys)
        stage.platform.keys.fresh = False
        with pytest.raises(Unavailable) as refusal:
            await authenticate(received(stage), stage.platform.keys)
        assert refusal.value.retry_after_s == 1

    play(story)


def test_a_full_cache_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache holds a limited number of keys."""
    monkeypatch.setattr(authenticating, "MAX_CACHED_KEYS", 2)

    async def story(stage: Stage) -> None:
        keys = [stage.key, add_key(stage.ledger), add_key(stage.ledger)]
        for key in keys:
            await stage.platform.keys.find(key)
        assert stage.ledger.asked == 3
        await stage.platform.keys.find(keys[2])
        assert stage.ledger.asked == 3
        await stage.platform.keys.find(keys[0])
        assert stage.ledger.asked == 4

    play(story)


def test_a_refused_call_reads_no_body_and_leaves_no_row() -> None:
    """A call with a bad key is refused before its body is read, and is not written down."""
    client = RecordingClient(AssertionError("the body was read"))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "anthropic_messages", client, "sk-1", "sk-2")
        await task
        _, task = begin(stage, "anthropic_messages", RecordingClient(body_of()), "nothing")
        await task
        await turns()

    stage = play(story)
    assert (client.status, client.headers, stage.ledger.rows) == (400, {"x-should-retry": "false"}, [])
