"""Authenticate: one good key, remembered for as long as nothing changes."""

import asyncio

import pytest
from msgspec.structs import replace

from setaria.core.errors import Forbidden, InvalidRequest, Unauthenticated, Unavailable, WrongLane
from setaria.core.protocol import Lane, ProtocolName
from setaria.domain.accounts.records import Caller, KeyRules, KeyUse
from setaria.gateway import key_cache
from setaria.gateway.addresses import Addresses
from setaria.gateway.authenticate import authenticate, one_credential
from tests.fakes.client import RecordingClient
from tests.fakes.platform import ACCOUNT, ANY, Stage, add_key
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
            await authenticate(received(stage, "openai_chat", spoil(stage.key)), stage.platform)

    assert play(story).ledger.asked == 0


def test_a_known_key_is_remembered() -> None:
    """A key is looked up once, and a key of nobody as well."""

    async def story(stage: Stage) -> None:
        unknown = add_key(stage.ledger)
        stage.ledger.callers.popitem()
        for _ in range(3):
            identified = await authenticate(received(stage), stage.platform)
            assert identified.caller in stage.ledger.callers.values()
            with pytest.raises(Unauthenticated, match="unknown or was revoked"):
                await authenticate(received(stage, "openai_chat", unknown), stage.platform)
        assert stage.ledger.asked == 2

    play(story)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_may_not_call(status: str) -> None:
    """The key of an account that is not active is refused."""

    async def story(stage: Stage) -> None:
        key = add_key(stage.ledger, status)  # type: ignore[arg-type]  # one of the statuses
        with pytest.raises(Forbidden, match=status):
            await authenticate(received(stage, "openai_chat", key), stage.platform)

    play(story)


@pytest.mark.parametrize(
    "terms, why",
    [
        (replace(ANY, key_disabled_at_ms=1), "is disabled"),
        (replace(ANY, key_expires_at_ms=1), "was good until 1970-01-01T00:00:00.001Z"),
    ],
)
def test_a_key_that_is_not_good_now(terms: Caller, why: str) -> None:
    """A disabled key and one past its end are refused as if they were none, with why."""

    async def story(stage: Stage) -> None:
        key = add_key(stage.ledger, terms=terms)
        with pytest.raises(Unauthenticated, match=why):
            await authenticate(received(stage, "openai_chat", key), stage.platform)
        assert stage.platform.keys.take_uses() == []

    play(story)


def test_a_key_that_may_not_come_from_anywhere() -> None:
    """From inside its networks it is good; from elsewhere, or nobody knows where, it is 403."""

    async def story(stage: Stage) -> None:
        key = add_key(stage.ledger, terms=replace(ANY, rules=KeyRules(networks=("192.0.2.0/24",))))
        call = received(stage, "openai_chat", key)
        await authenticate(replace(call, peer="192.0.2.9"), stage.platform)
        with pytest.raises(Forbidden, match=r"not be used from 192\.0\.3\.9"):
            await authenticate(replace(call, peer="192.0.3.9"), stage.platform)
        with pytest.raises(Forbidden, match="not be used from this address"):
            await authenticate(call, stage.platform)

    play(story)


def test_a_key_of_the_other_lane_is_told_its_base_url() -> None:
    """With the addresses that the installation knows."""

    async def story(stage: Stage) -> None:
        key = add_key(stage.ledger, lane="plan")
        platform = replace(stage.platform, addresses=Addresses("https://a.example", "https://p.example"))
        with pytest.raises(WrongLane, match=r"of a token plan; its base URL is https://p\.example/anthropic"):
            await authenticate(received(stage, "anthropic_messages", key), platform)
        with pytest.raises(WrongLane, match=r"of pay as you go; its base URL is https://a\.example/v1"):
            await authenticate(replace(received(stage), lane="plan"), platform)

    play(story)


@pytest.mark.parametrize(
    "addresses, lane, protocol, told",
    [
        (Addresses(), "plan", "openai_chat", "its base path is /plan/v1"),
        (Addresses(), "plan", "anthropic_messages", "its base path is /plan/anthropic"),
        (Addresses(), "payg", "openai_chat", "its base path is /v1"),
        (Addresses(), "payg", "anthropic_messages", "its base path is /anthropic"),
        (
            Addresses("", "https://p.example"),
            "payg",
            "anthropic_messages",
            "its base path is /anthropic, at another host name than https://p.example",
        ),
        (
            Addresses("https://a.example"),
            "plan",
            "openai_chat",
            "its base path is /plan/v1, at another host name than https://a.example",
        ),
        (Addresses("", "https://p.example"), "plan", "openai_chat", "its base URL is https://p.example/v1"),
    ],
)
def test_where_a_key_is_good(addresses: Addresses, lane: Lane, protocol: ProtocolName, told: str) -> None:
    """Where no host is known for its lane it is told the path for its protocol, and which host it is not."""
    assert addresses.explain(lane, protocol) == told


def test_the_last_use_of_a_key_is_remembered() -> None:
    """Of several calls the last counts; what was told is forgotten."""

    async def story(stage: Stage) -> None:
        await authenticate(received(stage), stage.platform)
        stage.clock.advance(5)
        identified = await authenticate(received(stage), stage.platform)
        expected = [KeyUse(ACCOUNT, identified.caller.key_id, stage.clock.now_ms())]
        assert stage.platform.keys.take_uses() == expected
        assert stage.platform.keys.take_uses() == []

    play(story)


def test_a_revoked_key_dies_with_the_next_news() -> None:
    """A revoked key is good until the cache hears of a change, and not after."""

    async def story(stage: Stage) -> None:
        await authenticate(received(stage), stage.platform)
        stage.ledger.callers.clear()
        await authenticate(received(stage), stage.platform)
        stage.platform.keys.forget()
        with pytest.raises(Unauthenticated):
            await authenticate(received(stage), stage.platform)

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
        await authenticate(received(stage), stage.platform)
        stage.platform.keys.fresh = False
        with pytest.raises(Unavailable) as refusal:
            await authenticate(received(stage), stage.platform)
        assert refusal.value.retry_after_s == 1

    play(story)


def test_a_full_cache_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache holds a limited number of keys."""
    monkeypatch.setattr(key_cache, "MAX_CACHED_KEYS", 2)

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
