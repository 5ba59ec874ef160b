"""Plan lane: calls that are paid with credits of a plan and its windows, and with nothing else."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import pytest

from setaria.core.errors import QuotaExhausted
from setaria.core.events import Finish, TextDelta, UsageReport
from setaria.core.usage import Usage
from setaria.core.windows import WindowTimes
from setaria.domain.accounts.records import Limits, ModelLimits
from setaria.domain.ledger.funds import Fund, Line
from setaria.domain.ledger.tariff import PriceList, Tariff, Tariffs
from setaria.domain.plans.offers import Offer, Window
from setaria.domain.plans.subscriptions import begin as begin_plan
from setaria.domain.plans.windows import window_scope
from setaria.gateway.refuse import error_headers
from tests.fakes.client import RecordingClient
from tests.fakes.platform import ACCOUNT, SEEDLING, Stage, make_stage
from tests.fakes.scripted_upstream import PAUSE, ScriptedUpstream, Step
from tests.fakes.waiting import turns, until
from tests.gateway.calling import PROTOCOLS, begin, body_of, call, play_on, received
from tests.gateway.test_admit import PROMPT, said

RATE = Tariff("rate_1", SEEDLING.id, 1, input=1_000_000, output=2_000_000)
"""1 milli-credit a token of the prompt, 2 a token of the answer."""
HOUR_MS = 3_600_000
FIVE_HOURS = Window(WindowTimes("5h", "rolling"), 2_000)
WEEK = Window(WindowTimes("week", "calendar"), 5_000)
OFFER = Offer("lite", "Lite", 6, "month", 10_000, (FIVE_HOURS, WEEK))


def make(*script: Step, offer: Offer = OFFER, left: int = 10_000, cash: int = 0, limits: Limits | None = None) -> Stage:
    """Make a platform whose key is that of a plan, bought now, of which so much is left; `cash` must never move."""
    stage = make_stage(ScriptedUpstream(*script))
    stage.platform.tariffs.renew(PriceList(rates=(RATE,)))
    held = begin_plan("sub_1", ACCOUNT, offer, stage.clock.now_ms(), 6)
    stage.ledger.subscriptions[held.id] = held
    for digest, caller in stage.ledger.callers.items():
        stage.ledger.callers[digest] = msgspec.structs.replace(
            caller, lane="plan", billing="prepaid", limits=limits or Limits(unlimited=True), subscription_id=held.id
        )
    stage.book.do(
        "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt, ends_at_ms) "
        f"VALUES ('plan', '{ACCOUNT}', 'plan', 'sub_1', {held.last.starts_at_ms}, {left}, {left}, 0, 0, "
        f"{held.last.ends_at_ms})"
    )
    stage.book.fund(cash)
    return stage


def play(story: Callable[[Stage], Awaitable[None]], *script: Step, **more: object) -> Stage:
    """Play a story on such a platform, its worker at the books."""

    async def whole(stage: Stage) -> None:
        await stage.platform.desk.clerk.enter()
        await story(stage)

    return play_on(whole, partial(make, *script, **more))  # type: ignore[arg-type]  # whatever `make` takes


async def ask(stage: Stage, **fields: object) -> RecordingClient:
    """Make a call on the lane of plans."""
    client = RecordingClient(body_of(**fields))
    await call(stage, "openai_chat", client)
    return client


def windows(stage: Stage) -> list[tuple[int, int, int]]:
    """Give when each window opened and ends, in hours from the beginning of the tests, and what was granted."""
    start = 1_795_392_000_000
    rows = stage.book.do(
        "SELECT period, ends_at_ms, granted FROM allowances WHERE kind = 'window' ORDER BY period, scope"
    )
    return [((begin - start) // HOUR_MS, (end - start) // HOUR_MS, granted) for begin, end, granted in rows]


@pytest.fixture(autouse=True)
def _lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the calls of these tests come in at the addresses of plans."""
    monkeypatch.setattr(
        "tests.gateway.calling.received",
        lambda *given: msgspec.structs.replace(received(*given), lane="plan"),
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_takes_credits_of_the_plan_and_of_every_window(stream: bool) -> None:
    """The same amount of each, in credits; the balance is not touched, and the windows have opened."""

    async def story(stage: Stage) -> None:
        assert (await ask(stage, stream=stream)).is_over

    stage = play(story, *said(3), cash=1_000)
    (row,) = stage.ledger.rows
    assert (
        row.charge_nano, row.charge_millicredits, row.price_id, row.lane, row.subscription_id,
    ) == (0, PROMPT + 6, "rate_1", "plan", "sub_1")  # fmt: skip
    assert windows(stage) == [(0, 5, 2_000), (0, 168, 5_000)]
    for debit_row in stage.ledger.debits.values():
        assert [debit.amount for debit in debit_row] == [PROMPT + 6] * 3
    stage.book.settle(row, stage.ledger.debits[row.id])
    assert stage.book.numbers("plan")[2] == PROMPT + 6
    assert stage.book.numbers("cash") == (1_000, 0, 0, 0)


def test_a_warm_call_asks_the_books_nothing() -> None:
    """Nor for the subscription."""

    async def story(stage: Stage) -> None:
        await ask(stage)
        asked = stage.book.engine.plays, stage.ledger.asked
        for _ in range(5):
            await ask(stage)
        assert asked == (stage.book.engine.plays, stage.ledger.asked)

    assert len(play(story, *said(3)).ledger.rows) == 6


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_plan_that_has_ended_is_told(protocol: str) -> None:
    """From the first millisecond after its last day on; also where it never was."""

    async def story(stage: Stage) -> None:
        held = stage.ledger.subscriptions["sub_1"]
        stage.clock.advance((held.last.ends_at_ms - 1 - stage.clock.now_ms()) / 1000)
        await stage.platform.desk.clerk.renew()
        assert (await ask(stage)).status == 200
        stage.clock.advance(0.001)
        await stage.platform.desk.clerk.renew()
        refused = await ask(stage)
        assert (refused.status, refused.headers) == (401, {"x-should-retry": "false"})
        assert b'"plan_expired"' in refused.body
        assert b"has ended at 2026-12-23T23:59:59.999Z; renew it" in refused.body
        stage.ledger.subscriptions.clear()
        stage.platform.plans.forget()
        assert b"the plan of this key has ended; renew it" in (await ask(stage)).body

    play(story, *said(3))


def test_a_model_without_a_rate_or_that_is_not_in_the_plan_is_refused() -> None:
    """400 for the model; one that costs nothing is free, but only while the plan is valid."""

    async def story(stage: Stage) -> None:
        stage.platform.tariffs.renew(PriceList())
        assert (await ask(stage)).status == 200
        stage.platform.tariffs.renew(PriceList(rates=(msgspec.structs.replace(RATE, from_ms=2**50),)))
        assert (await ask(stage)).status == 200

    stage = play(story, *said(3))
    assert [(row.charge_millicredits, row.charges, row.price_id) for row in stage.ledger.rows] == [(0, "", "")] * 2

    async def refused(stage: Stage) -> None:
        answer = await ask(stage)
        assert (answer.status, b"the plan Lite is not for the model seedling" in answer.body) == (400, True)

    def without_rates() -> Stage:
        stage = make(*said(3))
        return msgspec.structs.replace(stage, platform=msgspec.structs.replace(stage.platform, tariffs=Tariffs()))

    play_on(refused, without_rates)
    play(refused, *said(3), offer=msgspec.structs.replace(OFFER, models=("other",)))


def test_an_exhausted_window_says_when_the_next_one_opens() -> None:
    """429 with the time to the reset; the balance is there, but nothing falls through to it."""

    async def story(stage: Stage) -> None:
        await ask(stage)
        stage.book.settle(stage.ledger.rows[0], stage.ledger.debits[stage.ledger.rows[0].id])
        stage.clock.advance(3600)
        await stage.platform.desk.clerk.renew()
        refused = await ask(stage, max_tokens=1)
        assert (429, {"retry-after": str(4 * 3600), "x-should-retry": "false"}) == (refused.status, refused.headers)
        assert b'"quota_exhausted"' in refused.body
        stage.clock.advance(4 * 3600)
        await stage.platform.desk.clerk.renew()
        assert (await ask(stage, max_tokens=1)).status == 200

    tight = (Window(WindowTimes("5h", "rolling"), PROMPT + 6), WEEK)
    stage = play(story, *said(3), offer=msgspec.structs.replace(OFFER, windows=tight), cash=10_000)
    assert windows(stage) == [(0, 5, PROMPT + 6), (0, 168, 5_000), (5, 10, PROMPT + 6)]
    assert stage.book.numbers("cash") == (10_000, 0, 0, 0)


def test_an_exhausted_plan_is_told() -> None:
    """429 with the end of the term."""

    async def story(stage: Stage) -> None:
        refused = await ask(stage)
        assert refused.status == 429
        assert b"the plan's credits are used up" in refused.body
        held = stage.ledger.subscriptions["sub_1"]
        assert str((held.last.ends_at_ms - stage.clock.now_ms()) // 1000) == refused.headers["retry-after"]
        stage.book.do("DELETE FROM allowances WHERE kind = 'plan'")
        stage.clock.advance(1)
        await stage.platform.desk.clerk.renew()
        assert "retry-after" not in (await ask(stage)).headers

    play(story, *said(3), left=5)


def test_a_call_charges_the_window_that_it_was_admitted_in() -> None:
    """Also where it ends in the next one, whose credits are for others."""

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", RecordingClient(body_of()))
        await until(lambda: stage.upstream.attempts)
        stage.clock.advance(5 * 3600 + 1)
        await stage.platform.desk.clerk.renew()
        stage.upstream.go_on()
        await task

    stage = play(story, PAUSE, *said(3))
    (row,) = stage.ledger.rows
    stage.book.settle(row, stage.ledger.debits[row.id])
    held = stage.ledger.subscriptions["sub_1"]
    scope = window_scope("sub_1", held.last, 0)
    ((period, spent),) = stage.book.do(f"SELECT period, spent FROM allowances WHERE scope = '{scope}'")
    assert (held.last.starts_at_ms, PROMPT + 6) == (period, spent)


LONG: tuple[Step, ...] = ((TextDelta("a"),) * 200, PAUSE, *said(1500)[:-1])
"""An answer of 1,700 tokens, with a pause after the first 200, but for its end."""
LONG_END: Step = (Finish("stop"), UsageReport(Usage(PROMPT, output_tokens=1700), "upstream"))
LONG_COST = PROMPT + 2 * 1700
WIDE = Window(WindowTimes("5h", "rolling"), 5_000)


async def run_over(stage: Stage, moment_ms: int, others: Callable[[], Awaitable[None]]) -> None:
    """Begin a long answer, and let it go on from a moment on, when others have done something."""
    client = RecordingClient(body_of(stream=True, max_tokens=2000))
    _, task = begin(stage, "openai_chat", client)
    await until(lambda: stage.upstream.attempts)
    await turns()
    stage.clock.advance((moment_ms - stage.clock.now_ms()) / 1000)
    await stage.platform.desk.clerk.renew()
    await others()
    stage.upstream.go_on()
    await task
    assert b"[DONE]" in client.told


async def lease_some(stage: Stage, fund: Fund) -> None:
    """Let some of a fund lie here, as it does when other calls use it."""
    (parts,) = await stage.platform.desk.obtain([Line(fund, 1, 500)])
    stage.platform.desk.put_back(fund, parts)


@pytest.mark.parametrize("is_used_by_others", [True, False])
def test_a_call_that_runs_over_the_end_of_a_window_is_charged_to_that(is_used_by_others: bool) -> None:
    """However long it goes on, it takes nothing of the next one, and opens none."""

    async def story(stage: Stage) -> None:
        held = stage.ledger.subscriptions["sub_1"]

        async def others() -> None:
            if is_used_by_others:
                scope = window_scope("sub_1", held.last, 0)
                await lease_some(stage, stage.platform.desk.find(ACCOUNT, "window", scope, 5_000, WIDE.times))

        await run_over(stage, held.last.starts_at_ms + 5 * HOUR_MS, others)

    stage = play(story, *LONG, LONG_END, offer=msgspec.structs.replace(OFFER, windows=(WIDE,)))
    (row,) = stage.ledger.rows
    assert (row.ending, row.charge_millicredits) == ("completed", LONG_COST)
    stage.book.settle(row, stage.ledger.debits[row.id])
    spent = stage.book.do("SELECT kind, spent, debt FROM allowances WHERE kind <> 'cash' ORDER BY kind, period")
    assert spent == [("plan", LONG_COST, 0), ("window", LONG_COST, 0)] + [("window", 0, 0)] * is_used_by_others


@pytest.mark.parametrize(
    "is_renewed, left, debt", [(True, 9_000, 0), (False, 9_000, 0), (True, 1_000, LONG_COST - 1_000)]
)
def test_a_call_that_runs_over_the_end_of_a_term_is_charged_to_that(is_renewed: bool, left: int, debt: int) -> None:
    """It is not cut, and takes nothing of the next term; what the old one has not is debt."""

    async def story(stage: Stage) -> None:
        held = stage.ledger.subscriptions["sub_1"]

        async def others() -> None:
            if is_renewed:
                stage.book.do(
                    "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt, "
                    f"ends_at_ms) VALUES ('next', '{ACCOUNT}', 'plan', 'sub_1', {held.last.ends_at_ms}, 9000, 9000, "
                    f"0, 0, {held.last.ends_at_ms + 31 * 24 * HOUR_MS})"
                )
                await lease_some(stage, stage.platform.desk.find(ACCOUNT, "plan", "sub_1"))

        await run_over(stage, held.last.ends_at_ms, others)

    stage = play(story, *LONG, LONG_END, offer=msgspec.structs.replace(OFFER, windows=()), left=left)
    (row,) = stage.ledger.rows
    assert (row.ending, row.charges) == ("completed", f"plan:{LONG_COST}")
    stage.book.settle(row, stage.ledger.debits[row.id])
    assert stage.book.numbers("plan")[2:] == (LONG_COST, debt)
    if is_renewed:
        assert stage.book.numbers("next")[2:] == (0, 0)


@pytest.mark.parametrize("has_window_ended", [True, False])
def test_a_window_that_ends_while_the_books_are_asked_is_charged_too(has_window_ended: bool) -> None:
    """What they then give of the next one goes back; by the database's clock, which may be ahead of the worker's."""

    async def story(stage: Stage) -> None:
        held = stage.ledger.subscriptions["sub_1"]

        async def others() -> None:
            if has_window_ended:
                stage.book.engine.ahead_ms = 1

        await run_over(stage, held.last.starts_at_ms + 5 * HOUR_MS - 1, others)

    stage = play(story, *LONG, LONG_END, offer=msgspec.structs.replace(OFFER, windows=(WIDE,)))
    (row,) = stage.ledger.rows
    assert (row.ending, row.charges.count(":")) == ("completed", 2)
    stage.book.settle(row, stage.ledger.debits[row.id])
    spent = stage.book.do("SELECT spent FROM allowances WHERE kind = 'window' ORDER BY period")
    assert spent == [(LONG_COST,)] + [(0,)] * has_window_ended


def test_limits_are_the_accounts_own_or_those_of_the_plan() -> None:
    """What neither says is the platform's."""

    async def story(stage: Stage) -> None:
        assert (await ask(stage)).status == 200
        refused = await ask(stage)
        assert (refused.status, b"the limit of 1 requests a minute" in refused.body) == (429, True)

    offer = msgspec.structs.replace(OFFER, rpm=1)
    play(story, *said(3), offer=offer, limits=Limits())
    play(story, *said(3), limits=Limits(every=ModelLimits(rpm=1)))

    async def free(stage: Stage) -> None:
        assert [(await ask(stage)).status for _ in range(2)] == [200, 200]

    play(free, *said(3), offer=offer, limits=Limits(every=ModelLimits(rpm=5)))


@pytest.mark.parametrize(
    "retry_after_s, headers",
    [
        (None, (("x-should-retry", "false"),)),
        (3600, (("retry-after", "3600"),)),
        (3601, (("retry-after", "3601"), ("x-should-retry", "false"))),
    ],
)
def test_clients_are_told_not_to_wait_for_hours(
    retry_after_s: int | None, headers: tuple[tuple[str, str], ...]
) -> None:
    """Up to an hour they may."""
    assert headers == error_headers(QuotaExhausted("x", retry_after_s=retry_after_s))


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_left_is_told_in_the_head(stream: bool) -> None:
    """In whole credits and as last known, with what this and other calls of the worker hold; no question is asked."""

    async def story(stage: Stage) -> None:
        client = await ask(stage, stream=stream)
        assert client.announced == {"x-setaria-plan-remaining": "10"}
        stage.platform.tariffs.renew(PriceList())
        assert (await ask(stage, stream=stream)).announced == {}

    play(story, *said(3))
