"""Footing: what is found once for a key and a model, and how long it holds."""

import asyncio

import msgspec
import pytest

from setaria.core.ids import KeyId
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Caller, KeyRules, Limits, ModelLimits
from setaria.domain.ledger.tariff import PriceList, Tariff
from setaria.gateway import desk, footing
from setaria.gateway.desk import FORGET_S
from setaria.gateway.footing import Footing
from tests.fakes.client import RecordingClient
from tests.fakes.platform import ACCOUNT, ANY, SEEDLING, Stage, add_key, make_stage
from tests.fakes.scripted_upstream import PAUSE
from tests.fakes.waiting import turns, until
from tests.gateway.calling import begin, body_of
from tests.gateway.test_admit import PRICE, PROMPT, UNLIMITED, ask, make, play, said, settle

CALLER = Caller(ACCOUNT, "active", KeyId("key_1"), "payg", "prepaid", Limits())


def find(stage: Stage, caller: Caller = CALLER, listed: Tariff | None = PRICE) -> Footing:
    """Find a footing on the only model."""
    return stage.platform.footings.find(caller, SEEDLING, listed, None, stage.platform.desk)


def test_a_footing_is_found_once() -> None:
    """The same records give the same footing, and others another one."""
    stage = make_stage()
    first = find(stage)
    assert find(stage) is first
    limited = msgspec.structs.replace(CALLER, limits=Limits(every=ModelLimits(rpm=7)))
    second = find(stage, limited)
    assert second is not first
    assert second.limits is not None
    assert second.limits.requests.fund.limit == 7
    dearer = msgspec.structs.replace(PRICE, id="price_2")
    third = find(stage, limited, dearer)
    assert (third.price, third.limits) == (dearer, second.limits)


def test_each_key_has_its_own_limits() -> None:
    """A plan limits its own calls, and none of the account's others that come after them; nor the reverse."""
    stage = make_stage()
    callers = [
        msgspec.structs.replace(CALLER, key_id=KeyId(f"key_{rpm}"), limits=Limits(every=ModelLimits(rpm=rpm)))
        for rpm in (50, 2)
    ]
    told = [find(stage, caller).limits for caller in callers * 2]
    assert told[0] is not None
    (fund,) = {limits.requests.fund for limits in told if limits is not None}
    for rpm, caller in ((50, callers[0]), (2, callers[1]), (50, callers[0])):
        find(stage, caller)
        assert fund.limit == rpm


def test_a_call_is_not_refused_by_the_limit_of_another_key() -> None:
    """What the books have just refused to a key with a lower limit they are asked again for one with a higher one."""

    async def story(stage: Stage) -> None:
        lower = msgspec.structs.replace(ANY, billing="prepaid", limits=Limits(every=ModelLimits(rpm=1)))
        other = add_key(stage.ledger, terms=lower)
        statuses = []
        for key in (other, other, stage.key):
            client = RecordingClient(body_of())
            await begin(stage, "openai_chat", client, key)[1]
            statuses.append(client.status)
        assert statuses == [200, 429, 200]

    limits = Limits(every=ModelLimits(rpm=50))
    play(story, *said(3), *said(3), money=1000, limits=limits)


async def call_both(stage: Stage, other: str) -> tuple[int, int]:
    """Make a call of the stage's key and one of another in the same moment; the second may ask a few times."""
    clients = (RecordingClient(body_of(max_tokens=20)), RecordingClient(body_of(max_tokens=20)))
    _, first = begin(stage, "openai_chat", clients[0])
    _, second = begin(stage, "openai_chat", clients[1], other)
    asked = stage.book.engine.plays
    await until(lambda: second.done() or stage.book.engine.plays > asked + 4)
    stage.clock.advance(2)
    await asyncio.gather(first, second)
    return clients[0].status, clients[1].status


@pytest.mark.parametrize(
    "limits, used, expected",
    [
        (ModelLimits(rpm=2), 1, [200, 429]),
        (ModelLimits(rpm=2), 2, [429, 429]),
        (ModelLimits(tpm=300), 1, [200, 200]),
        (ModelLimits(tpm=300), 12, [429, 429]),
    ],
)
def test_calls_of_two_limits_at_once(
    limits: ModelLimits, used: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lower one counts the calls under both, and refuses its own alone; in pairs, so that each asks for its own."""
    monkeypatch.setattr(desk, "ASK_AGAIN_S", 0.001)

    async def story(stage: Stage) -> None:
        lower = msgspec.structs.replace(ANY, billing="prepaid", limits=Limits(every=limits))
        other = add_key(stage.ledger, terms=lower)
        for _ in range(used - 1):
            assert (await ask(stage)).status == 200
        pairs = [await call_both(stage, other) for _ in range(2)]
        assert pairs == [(200, status) for status in expected]

    play(story, *said(3, Usage(PROMPT, output_tokens=20)), money=10_000, limits=Limits(every=ModelLimits(rpm=50)))


def test_a_slot_of_a_higher_limit_is_none_of_a_lower_one() -> None:
    """Two calls are under way under the higher limit, and one of them ends: there is still one, which is enough."""

    async def story(stage: Stage) -> None:
        lower = msgspec.structs.replace(ANY, billing="prepaid", limits=Limits(every=ModelLimits(in_flight=1)))
        other = add_key(stage.ledger, terms=lower)
        statuses = []
        tasks = [begin(stage, "openai_chat", RecordingClient(body_of()))[1] for _ in range(2)]
        await until(lambda: len(stage.upstream.attempts) == 2)
        for attempt, task in zip(stage.upstream.attempts, tasks, strict=True):
            for _ in range(2):
                client = RecordingClient(body_of())
                await begin(stage, "openai_chat", client, other)[1]
                statuses.append(client.status)
            attempt.play()
            await task
        client = RecordingClient(body_of())
        last = begin(stage, "openai_chat", client, other)[1]
        await until(lambda: len(stage.upstream.attempts) == 3)
        stage.upstream.go_on()
        await last
        assert (statuses, client.status) == ([429] * 4, 200)

    play(story, PAUSE, *said(3), money=10_000, limits=Limits(every=ModelLimits(in_flight=16)))


def test_what_pays() -> None:
    """Money pays for a prepaid account, and a key's cap beside it; nothing is paid ahead where it is free or later."""
    stage = make_stage()
    capped = msgspec.structs.replace(CALLER, rules=KeyRules(cap_nano=5))
    later = msgspec.structs.replace(CALLER, billing="postpaid")
    free = msgspec.structs.replace(PRICE, input=0, output=0)
    found = [find(stage), find(stage, capped), find(stage, later), find(stage, listed=free), find(stage, listed=None)]
    kinds = [(tuple(fund.kind for fund in each.payers), each.is_priced, each.price.id) for each in found]
    paid = PRICE.id
    assert kinds == [
        (("money",), True, paid),
        (("money", "cap"), True, paid),
        ((), True, paid),
        ((), False, ""),
        ((), False, ""),
    ]


def test_keys_share_a_cap_after_a_rotation() -> None:
    """A key that came in the place of another one, and goes on with its cap, is bounded by the very same fund."""
    stage = make_stage()
    old = msgspec.structs.replace(CALLER, billing="postpaid", rules=KeyRules(cap_nano=5))
    new = msgspec.structs.replace(old, key_id=KeyId("key_new"), rules=KeyRules(cap_nano=5, cap_id=old.key_id))
    other = msgspec.structs.replace(old, key_id=KeyId("key_other"))
    (first,), (second,), (third,) = (find(stage, each).payers for each in (old, new, other))
    assert (first is second, first is third) == (True, False)


def test_a_fund_that_was_forgotten_is_found_again() -> None:
    """A footing never leads to a fund that the desk has given up, whose leases nobody would return."""

    async def story(stage: Stage) -> None:
        await ask(stage)
        desk = stage.platform.desk
        before = desk.find(ACCOUNT, "money")
        stage.clock.advance(FORGET_S + 1)
        await desk.clerk.renew()
        await desk.tick()
        await ask(stage)
        after = desk.find(ACCOUNT, "money")
        assert after is not before
        assert before.held == after.held == 0
        assert sum(lease.idle for lease in before.leases) == 0
        settle(stage)
        assert stage.book.numbers()[1] == sum(lease.idle for lease in after.leases)

    play(story, *said(3), *said(3), money=1000)


def test_a_fund_that_is_forgotten_while_the_cash_is_found_is_found_again() -> None:
    """A call that is paid later takes its slot of a fund that the desk knows, so that it comes back."""

    async def story(stage: Stage) -> None:
        desk = stage.platform.desk
        await ask(stage)
        for pause_s in (FORGET_S - 1, 2, FORGET_S + 1):
            stage.clock.advance(pause_s)
            await desk.clerk.renew()
            if pause_s == 2:
                await desk.tick()  # forgets the cash, which no call has asked for since the first
            elif pause_s < FORGET_S:
                await ask(stage)
        before = desk.find(ACCOUNT, "in_flight", SEEDLING.id, 3)
        stage.book.engine.gate.clear()
        client = RecordingClient(body_of())
        _, task = begin(stage, "openai_chat", client)
        await turns(3)
        assert not client.is_over
        await desk.tick()
        stage.book.engine.gate.set()
        await task
        after = desk.find(ACCOUNT, "in_flight", SEEDLING.id, 3)
        assert after is not before
        assert ([lease.idle for lease in after.leases], before.held, after.held) == ([1], 0, 0)

    limits = Limits(every=ModelLimits(in_flight=3))
    play(story, *said(3), *said(3), *said(3), *said(3), money=0, billing="postpaid", limits=limits)


def test_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many all are found anew."""
    monkeypatch.setattr(footing, "MAX_KEPT", 2)
    stage = make_stage()
    others = [msgspec.structs.replace(CALLER, key_id=KeyId(f"key_{number}")) for number in range(3)]
    first = find(stage, others[0])
    find(stage, others[1])
    assert find(stage, others[0]) is first
    find(stage, others[2])
    assert find(stage, others[0]) is not first


def test_a_free_model_is_limited_all_the_same() -> None:
    """A call that costs nothing takes of its limits, may say all that it wants, and holds nothing of its money."""

    async def story(stage: Stage) -> None:
        stage.platform.tariffs.renew(PriceList(prices=(msgspec.structs.replace(PRICE, input=0, output=0),)))
        client = await ask(stage, stream=True, max_tokens=2000)
        assert client.is_over
        desk = stage.platform.desk
        assert desk.find(ACCOUNT, "in_flight", SEEDLING.id, 16).held == 0
        (lease,) = desk.find(ACCOUNT, "rpm", SEEDLING.id, 5).leases
        assert lease.used == 1

    limits = Limits(every=ModelLimits(rpm=5))
    stage = play(story, *said(600), money=1000, limits=limits)
    (row,) = stage.ledger.rows
    assert (row.ending, row.usage.output_tokens, row.charge_nano, row.charges) == ("completed", 600, 0, "")


def test_an_account_without_limits_has_none() -> None:
    """Nothing is taken of limits where there are none."""
    assert find(make(), msgspec.structs.replace(CALLER, limits=UNLIMITED)).limits is None
