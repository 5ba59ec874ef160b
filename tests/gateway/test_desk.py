"""Desk: what calls get out of memory, what the books are asked for, and what goes back."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence

import pytest

from setaria.core.errors import FundsHeld, Limited, OutOfFunds, SetariaError, Unavailable
from setaria.core.ids import AccountId
from setaria.domain.ledger.funds import Fund, Line, Parts
from setaria.domain.ledger.leases import SWEEP_S, Gone, Granted, Trade, Traded
from setaria.gateway.clerk import FENCE_S, RENEW_S
from setaria.gateway.desk import FORGET_S, RECALL_PATIENCE_S, TICK_S, Desk
from tests.fakes.clock import FakeClock
from tests.fakes.lease_book import ACCOUNT, MemoryBook
from tests.fakes.log import FakeLog
from tests.fakes.waiting import turns, until


@dataclasses.dataclass
class Office:
    """Two workers' desks over one book; their clocks are one."""

    clock: FakeClock
    book: MemoryBook
    desk: Desk
    other: Desk
    log: FakeLog

    def money(self, desk: Desk | None = None) -> Fund:
        """Give the money of the account."""
        return (desk or self.desk).find(ACCOUNT, "money")

    async def get(self, least: int, wish: int, desk: Desk | None = None) -> Parts:
        """Get money."""
        (parts,) = await (desk or self.desk).obtain([Line(self.money(desk), least, wish)])
        return parts

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and both desks do what they do twice a second."""
        for _ in range(round(seconds / TICK_S)):
            self.clock.advance(TICK_S)
            await self.desk.tick()
            await self.other.tick()
            await turns()


Story = Callable[[Office], Awaitable[None]]


def tell(story: Story, *, both: bool = True) -> Office:
    """Play a story; both desks stand at the books, or only the first."""

    async def run() -> Office:
        clock, log = FakeClock(), FakeLog()
        book = MemoryBook(clock)
        office = Office(clock, book, Desk(book, "a", clock, log), Desk(book, "b", clock, log), log)
        await office.desk.clerk.enter()
        if both:
            await office.other.clerk.enter()
            await office.desk.clerk.renew()
        async with asyncio.timeout(20):
            await story(office)
        return office

    return asyncio.run(run())


def total(parts: Parts) -> int:
    """Sum what was taken."""
    return sum(amount for _, amount in parts)


def test_a_slice_serves_many_calls() -> None:
    """The books are asked once; the calls after that are served from here."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        assert total(await office.get(5, 20)) == 20
        asked = office.book.engine.plays
        for _ in range(5):
            assert total(await office.get(5, 20)) == 20
        assert office.book.engine.plays == asked
        assert total(await office.get(5, 20)) == 20
        assert office.book.engine.plays == asked + 1

    tell(story)


def test_what_lies_idle_goes_back_within_a_second() -> None:
    """Of a slice that is not used the rest is at the books again at the next tick but one; what calls hold stays."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        held = await office.get(5, 20)
        await office.desk.tick()
        await turns()
        assert office.book.numbers() == (875, 125, 0, 0)
        await office.pass_time(1.0)
        assert office.book.numbers() == (980, 20, 0, 0)
        office.desk.put_back(office.money(), held)
        await office.pass_time(1.0)
        assert office.book.numbers() == (1000, 0, 0, 0)

    tell(story)


def test_a_call_takes_what_is_left() -> None:
    """Where there is less than a call wishes it gets that, if it is what it needs at least."""

    async def story(office: Office) -> None:
        office.book.fund(30)
        assert total(await office.get(20, 276)) == 30
        with pytest.raises(OutOfFunds):
            await office.get(31, 276)

    tell(story, both=False)


def test_calls_at_once_wait_for_what_others_hold() -> None:
    """A call that is left out gets what another one gives back; one that waits in vain is told that funds are held."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        held = await office.get(20, 100)
        waiting = asyncio.create_task(office.get(20, 100))
        await turns()
        office.desk.put_back(office.money(), held)
        assert total(await waiting) == 100
        late = asyncio.create_task(office.get(20, 100))
        await turns()
        office.clock.advance(2)
        with pytest.raises(FundsHeld) as refused:
            await late
        assert refused.value.retry_after_s == 1

    tell(story)


def test_what_another_worker_has_idle_is_found() -> None:
    """A worker in use gives back what it has free when another one is short, which is never refused then."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        await office.get(1, 1)
        assert total(await office.get(1, 875, office.other)) == 875
        waiting = asyncio.create_task(office.get(50, 100, office.other))
        await until(
            lambda: office.book.do("SELECT * FROM leases WHERE period = -1") or office.other.clerk._task is None
        )
        await turns()
        office.money().touched_s = office.clock.monotonic_s()
        await office.desk.tick()
        await turns()
        office.clock.advance(0.2)
        assert total(await waiting) == 100
        assert office.book.numbers()[1] == 1 + 975
        await office.other.tick()
        await until(lambda: not office.book.do("SELECT * FROM leases WHERE period = -1"))

    tell(story)


def test_slots_of_a_small_limit_go_back_at_once() -> None:
    """A limit of 1 in flight is not refused while the slot is idle on the other worker."""

    async def story(office: Office) -> None:
        for desk in (office.desk, office.other, office.desk):
            fund = desk.find(ACCOUNT, "in_flight", "m", 1)
            (parts,) = await desk.obtain([Line(fund, 1, 1)])
            desk.put_back(fund, parts)
            await until(lambda: office.book.do("SELECT available FROM allowances") == [(1,)])

    tell(story)


def test_a_burst_finds_here_what_its_first_calls_brought() -> None:
    """Of calls that ask at once each brings a part of the limit here; the last ones find it here, not at the books."""

    async def story(office: Office) -> None:
        minute = office.desk.find(ACCOUNT, "rpm", "m", 1_000_000)
        slots = office.desk.find(ACCOUNT, "in_flight", "m", 10_000)
        lines = [Line(minute, 1, 1), Line(slots, 1, 1)]
        taken = await asyncio.gather(*[office.desk.obtain(lines) for _ in range(3_000)])
        assert [total(parts) for _, parts in taken] == [1] * 3_000
        assert slots.held == 3_000
        assert office.book.engine.plays <= 3

    tell(story, both=False)


def test_what_nobody_waits_for_is_not_asked_for() -> None:
    """A call that leaves before its turn at the books comes leases nothing."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        office.book.engine.gate.clear()
        waiting = [asyncio.create_task(office.get(200, 200))]
        await turns()
        waiting.append(asyncio.create_task(office.get(800, 800)))
        await turns()
        waiting[1].cancel()
        office.book.engine.gate.set()
        await asyncio.wait(waiting)
        await turns()
        assert waiting[1].cancelled()
        assert office.book.numbers() == (750, 250, 0, 0)

    tell(story, both=False)


@pytest.mark.parametrize("kind, wait_s", [("rpm", 60), ("tpm", 60), ("in_flight", 1)])
def test_a_limit_that_is_reached(kind: str, wait_s: int) -> None:
    """Who is above a limit is told when to come back; the books are not asked again at once."""

    async def story(office: Office) -> None:
        fund = office.desk.find(ACCOUNT, kind, "m", 2)  # type: ignore[arg-type]  # from the table above
        lines = [Line(fund, 1, 1)]
        for _ in range(2):
            ((parts),) = await office.desk.obtain(lines)
            fund.use_up(parts)
        for _ in range(3):
            with pytest.raises(Limited, match="the limit of 2 ") as refused:
                await office.desk.obtain(lines)
            assert refused.value.retry_after_s == wait_s
        assert office.book.engine.plays == 4

    tell(story, both=False)


def test_tokens_that_were_used_beyond_a_lease_are_lacking_everywhere() -> None:
    """Calls of 1,000 tokens, which hold 276, on two workers by turns: of 2,000 a minute two are admitted, no third."""

    async def story(office: Office) -> None:
        for desk in (office.desk, office.other):
            fund = desk.find(ACCOUNT, "tpm", "m", 2_000)
            ((parts),) = await desk.obtain([Line(fund, 20, 276, limit=2_000)])
            for lease, _ in parts[:1]:
                lease.idle -= 1_000
                lease.used += 1_000
            desk.put_back(fund, parts, 2_000)
            await turns()
            assert (fund.held, [lease.idle for lease in fund.leases]) == (0, [0])
        for desk in (office.desk, office.other):
            with pytest.raises(Limited):
                await desk.obtain([Line(desk.find(ACCOUNT, "tpm", "m", 2_000), 20, 276, limit=2_000)])
        ((name,),) = office.book.do("SELECT id FROM allowances")
        assert office.book.numbers(name) == (0, 0, 2_000, 0)

    tell(story)


def test_what_a_call_still_holds_of_a_lease_stays_there_when_another_used_more() -> None:
    """Of 552 leased tokens one call has used 400 and the other holds 276: the books count each once."""

    async def story(office: Office) -> None:
        fund = office.desk.find(ACCOUNT, "tpm", "m", 600)
        lines = [Line(fund, 276, 276, limit=600)]
        (first,), (second,) = await office.desk.obtain(lines), await office.desk.obtain(lines)
        ((name,),) = office.book.do("SELECT id FROM allowances")
        for parts, used, expected in ((first, 400, (-76, 276, 400, 0)), (second, 100, (100, 0, 500, 0))):
            parts[0][0].idle -= used
            parts[0][0].used += used
            office.desk.put_back(fund, parts, 600)
            await office.pass_time(1)
            assert office.book.numbers(name) == expected

    tell(story, both=False)


def test_a_new_minute_has_the_whole_limit() -> None:
    """What was leased in one minute is nothing in the next."""

    async def story(office: Office) -> None:
        fund = office.desk.find(ACCOUNT, "rpm", "m", 8)
        for _ in range(2):
            for _ in range(8):
                ((parts),) = await office.desk.obtain([Line(fund, 1, 1)])
                fund.use_up(parts)
            await office.pass_time(60)
            await office.desk.clerk.renew()
        assert office.book.do("SELECT COUNT(*) FROM allowances") == [(1,)]

    tell(story, both=False)


def test_a_changed_limit_is_asked_for() -> None:
    """A lowered limit holds from the next call on, and so does a raised one."""

    async def story(office: Office) -> None:
        lines = [Line(office.desk.find(ACCOUNT, "in_flight", "m", 3), 1, 1)]
        await office.desk.obtain(lines)
        lines = [Line(office.desk.find(ACCOUNT, "in_flight", "m", 1), 1, 1)]
        with pytest.raises(Limited):
            await office.desk.obtain(lines)
        await office.pass_time(1)
        await office.desk.obtain([Line(office.desk.find(ACCOUNT, "in_flight", "m", 2), 1, 1)])

    tell(story, both=False)


def test_a_call_gets_all_its_lines_or_none() -> None:
    """What was taken for one line is put back when another one lacks."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        fund = office.desk.find(ACCOUNT, "rpm", "m", 1)
        lines = [Line(office.money(), 5, 20), Line(fund, 1, 1)]
        taken = await office.desk.obtain(lines)
        fund.use_up(taken[1])
        await office.get(1, 1)
        for _ in range(2):
            assert office.desk.take(lines) is None
            with pytest.raises(Limited):
                await office.desk.obtain(lines)
        assert office.money().held == 21

    tell(story, both=False)


def test_gifts_are_spent_first_and_go_back_when_they_end() -> None:
    """A call spans a gift and cash; a gift that ends is not spent from any more, and goes back."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        ends_at_ms = office.clock.now_ms() + 3000
        office.book.fund(50, "gift", "gift", ends_at_ms)
        parts = await office.get(60, 60)
        assert [(lease.allowance_id, amount) for lease, amount in parts] == [("gift", 50), ("cash", 10)]
        office.desk.put_back(office.money(), parts)
        assert [(lease.allowance_id, amount) for lease, amount in await office.get(5, 5)] == [("gift", 5)]
        office.clock.advance(4)
        assert [lease.allowance_id for lease, _ in await office.get(20, 20)] == ["cash"]
        await office.desk.tick()
        await turns()
        assert office.book.numbers("gift") == (45, 5, 0, 0)

    tell(story, both=False)


@pytest.mark.parametrize("is_asking", [False, True])
def test_a_gift_is_spent_before_cash_that_lies_here(is_asking: bool) -> None:
    """From the news of it on, though calls never pause; also by who was answered before it and hears of that after."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        if is_asking:
            answer = office.book.trade

            async def trade_late(worker_id: str, trade: Trade) -> Traded | Gone:
                traded = await answer(worker_id, trade)
                if not office.book.do("SELECT id FROM allowances WHERE kind = 'gift'"):
                    office.book.fund(50, "gift", "gift", office.clock.now_ms() + 60_000)
                    await office.desk.renew()
                return traded

            office.book.trade = trade_late  # type: ignore[method-assign]  # a slow answer
        first = await office.get(10, 10)
        if not is_asking:
            office.book.fund(50, "gift", "gift", office.clock.now_ms() + 60_000)
            await office.desk.renew()
        second = await office.get(10, 60)
        paid = [[(lease.allowance_id, amount) for lease, amount in parts] for parts in (first, second)]
        assert paid == [[("cash", 10)], [("gift", 50), ("cash", 10)]]

    tell(story)


def test_a_worker_without_confirmation_spends_nothing() -> None:
    """Twenty seconds after it sent its last renewal that was confirmed a worker admits nothing, until the next one."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        await office.get(5, 20)
        office.clock.advance(FENCE_S)
        assert office.desk.take([Line(office.money(), 1, 1)]) is not None
        assert office.desk.take_up_to(office.money(), 1)
        office.clock.advance(0.1)
        assert office.desk.take([Line(office.money(), 1, 1)]) is None
        assert office.desk.take_up_to(office.money(), 1) == ()
        with pytest.raises(Unavailable, match="lost touch"):
            await office.get(1, 1)
        await office.desk.clerk.renew()
        assert total(await office.get(1, 1)) == 1

    tell(story)


def test_a_worker_that_slept_with_its_machine_spends_nothing() -> None:
    """A sweeper elsewhere did not sleep: time counts all the same, until the next renewal, and for giving others up."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        await office.get(5, 20)
        for _ in range(11):
            office.clock.advance(RENEW_S)
            await office.desk.clerk.renew()
        office.clock.suspend(SWEEP_S)
        lines = [Line(office.money(), 1, 1)]
        assert (office.desk.clerk.may_spend, office.desk.take(lines)) == (False, None)
        assert office.desk.take_up_to(office.money(), 1) == ()
        await office.desk.clerk.renew()
        assert office.desk.clerk.may_spend
        assert total(await office.get(1, 1)) == 1
        assert office.desk.clerk.now_ms() == office.clock.now_ms()
        assert office.book.do("SELECT COUNT(*) FROM workers") == [(2,)]

    tell(story)


def test_a_worker_that_was_given_up_begins_anew() -> None:
    """It drops its leases, gets new ones under a new name, and what its calls still held belongs to nobody."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        held = await office.get(5, 20)
        first = office.desk.clerk.worker_id
        office.book.do("UPDATE workers SET seen_at_ms = 0 WHERE node = 'a'")
        assert await office.book.sweep(SWEEP_S) == 1
        assert office.book.numbers() == (1000, 0, 0, 0)
        await office.desk.clerk.renew()
        assert office.desk.clerk.worker_id != first
        assert total(await office.get(5, 20)) == 20
        office.desk.put_back(office.money(), held)
        await office.pass_time(1)
        assert office.book.numbers() == (980, 20, 0, 0)
        assert "worker_was_given_up" in office.log.events

    tell(story)


def test_a_trade_finds_out_that_the_worker_was_given_up() -> None:
    """The call that asks gets its leases under the new name; where that can't be had it is told to come again."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        office.book.do("DELETE FROM workers WHERE node = 'a'")
        assert total(await office.get(5, 20)) == 20
        office.book.do("DELETE FROM workers WHERE node = 'a'")
        office.book.do("DELETE FROM leases")
        office.book.do("UPDATE allowances SET available = 1000")
        enter = office.book.enter

        async def fail(worker_id: str, node: str) -> None:
            raise Unavailable("away")

        office.book.enter = fail  # type: ignore[assignment, method-assign]  # the books go away at this moment
        with pytest.raises(Unavailable):
            await office.get(5, 500)
        office.book.enter = enter  # type: ignore[method-assign]  # and are back
        await office.desk.clerk.renew()
        assert total(await office.get(5, 20)) == 20

    tell(story)


def test_a_renewal_that_comes_after_a_new_beginning_says_nothing() -> None:
    """While a renewal was under way a trade found out and began anew: what the renewal says is of the past."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        office.book.do("DELETE FROM workers WHERE node = 'a'")
        office.book.engine.gate.clear()
        getting = asyncio.create_task(office.get(5, 20))
        await turns()
        renewing = asyncio.create_task(office.desk.clerk.renew())
        await turns()
        office.book.engine.gate.set()
        await getting
        await renewing
        assert office.log.events == ["worker_was_given_up"]

    tell(story)


def test_a_trade_whose_reply_is_lost_is_sent_again() -> None:
    """The call is told that the books are away; what was leased for it is found, and goes back."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        office.book.engine.loses = 2
        with pytest.raises(Unavailable):
            await office.get(5, 20)
        await until(lambda: office.money().leases)
        assert office.book.numbers() == (875, 125, 0, 0)
        await office.pass_time(1)
        assert office.book.numbers() == (1000, 0, 0, 0)

    tell(story)


def test_a_call_that_leaves_while_it_waits_holds_nothing() -> None:
    """What comes for a call that was cancelled is free for others."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        for gate_opens_first in (False, True):
            office.book.engine.gate.clear()
            waiting = asyncio.create_task(office.get(200, 200))
            await turns()
            if gate_opens_first:
                office.book.engine.gate.set()
                await until(lambda: office.money().held)
            waiting.cancel()
            office.book.engine.gate.set()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await turns()
            assert office.money().held == 0
            await office.pass_time(1)

    tell(story)


def test_books_that_hang_are_not_waited_for() -> None:
    """After two seconds the call is told that the books are away."""

    async def story(office: Office) -> None:
        office.book.engine.gate.clear()
        with pytest.raises(Unavailable, match="books"):
            await office.get(1, 1)
        office.book.engine.gate.set()

    tell(story)


def test_a_trade_that_is_refused() -> None:
    """What can't be asked for is refused, and what was to go back with it still does."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        held = await office.get(100, 100)
        office.desk.put_back(office.money(), held)
        office.desk.clerk.give_back(office.money().collect())
        trade = office.book.trade

        async def refuse(worker_id: str, trade_asked: Trade) -> object:
            if trade_asked.asks:
                raise SetariaError("no such number")
            return await trade(worker_id, trade_asked)

        office.book.trade = refuse  # type: ignore[assignment, method-assign]  # as a database that takes no number above 64 bits
        with pytest.raises(SetariaError, match="no such number"):
            await office.get(5, 20)
        await until(lambda: office.book.numbers() == (1000, 0, 0, 0))
        assert "trade_refused" in office.log.events

    tell(story)


def test_who_asks_beside_a_call_that_is_refused_is_not() -> None:
    """What one account may not ask for does not keep others from what they need."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        trade = office.book.trade

        async def refuse(worker_id: str, trade_asked: Trade) -> object:
            if any(want.wish == 500 for ask in trade_asked.asks for want in ask):
                raise SetariaError("no such number")
            return await trade(worker_id, trade_asked)

        office.book.trade = refuse  # type: ignore[assignment, method-assign]  # as above
        odd, good = await asyncio.gather(office.get(5, 500), office.get(5, 20), return_exceptions=True)
        assert isinstance(odd, SetariaError)
        assert not isinstance(good, BaseException)
        assert total(good) == 20

    tell(story)


def test_leases_that_are_called_home() -> None:
    """Money goes back at once and calls wait; when the recall is over they go on, else they are told to come again."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        held = await office.get(5, 20)
        office.desk.find(ACCOUNT, "rpm", "m", 8)
        office.book.do("INSERT INTO recalls VALUES ('acct_1', 4102444800000), ('acct_2', 4102444800000)")
        await office.desk.renew_recalls()
        await until(lambda: office.book.numbers() == (980, 20, 0, 0))
        office.desk.put_back(office.money(), held)
        await until(lambda: office.book.numbers() == (1000, 0, 0, 0))
        assert await office.desk.obtain([Line(office.desk.find(AccountId("acct_3"), "rpm", "m", 8), 0, 0)])
        with pytest.raises(FundsHeld):
            await office.get(5, 20)
        assert office.clock.monotonic_s() >= RECALL_PATIENCE_S
        office.book.do("DELETE FROM recalls")
        await office.desk.tick()
        assert total(await office.get(5, 20)) == 20

    tell(story)


def test_who_waited_for_a_recall_still_waits_for_what_others_hold() -> None:
    """The recall is over after 2 seconds; what is held then is worth the patience that every call has."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        held = await office.get(20, 100)
        office.book.do("INSERT INTO recalls VALUES ('acct_1', 4102444800000)")
        await office.desk.renew_recalls()

        async def end_recall(seconds: float) -> None:
            office.clock.advance(max(seconds, 2))
            office.book.do("DELETE FROM recalls")
            await office.desk.renew_recalls()

        office.clock.sleep = end_recall  # type: ignore[method-assign]  # while calls wait for the end of the recall
        waiting = asyncio.create_task(office.get(20, 100))
        await turns()
        office.desk.put_back(office.money(), held)
        assert total(await waiting) == 100

    tell(story)


def test_money_that_was_leased_after_a_recall_goes_home() -> None:
    """The first call of a postpaid account waits for the end of a recall; its money is not forgotten meanwhile."""

    async def story(office: Office) -> None:
        office.clock.advance(2 * FORGET_S)
        await office.desk.clerk.renew()
        office.book.fund(1000)
        office.book.do("INSERT INTO recalls VALUES ('acct_1', 4102444800000)")
        await office.desk.renew_recalls()

        async def end_recall(_seconds: float) -> None:
            await office.desk.tick()
            office.book.do("DELETE FROM recalls")
            await office.desk.tick()

        office.clock.sleep = end_recall  # type: ignore[assignment, method-assign]  # while the call waits
        assert await office.desk.find_cash(ACCOUNT) == "cash"
        assert office.book.numbers()[1] > 0
        await office.pass_time(2)
        await until(lambda: office.book.numbers() == (1000, 0, 0, 0))

    tell(story)


def test_slots_of_a_recalled_account_go_home() -> None:
    """Those that are free at once, those of calls under way when these end: so an action can see that none is."""

    async def story(office: Office) -> None:
        flight = office.desk.find(ACCOUNT, "in_flight", "m", 16)
        (parts,) = await office.desk.obtain([Line(flight, 1, 1)])
        office.book.do("INSERT INTO recalls VALUES ('acct_1', 4102444800000)")
        await office.desk.renew_recalls()
        ((name,),) = office.book.do("SELECT id FROM allowances")
        await until(lambda: office.book.numbers(name)[:2] == (15, 1))
        office.desk.put_back(flight, parts)
        await until(lambda: office.book.numbers(name)[:2] == (16, 0))

    tell(story)


def test_an_account_in_debt_gets_nothing() -> None:
    """It is told to top up, though there is something in another purse."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        office.book.fund(100, "gift", "gift")
        office.book.do("UPDATE allowances SET debt = 5, granted = 95 WHERE id = 'cash'")
        with pytest.raises(OutOfFunds, match="took more"):
            await office.get(5, 20)

    tell(story)


def test_sweepers_are_those_who_reach_the_books() -> None:
    """A worker gives others up when it has reached the books for a minute without a break, and not before."""

    async def story(office: Office) -> None:
        office.book.do("UPDATE workers SET seen_at_ms = 0 WHERE node = 'b'")
        for _ in range(5):
            office.clock.advance(RENEW_S)
            await office.desk.clerk.renew()
        office.book.engine.fails = 1
        await office.desk.clerk.renew()
        for _ in range(12):
            office.clock.advance(RENEW_S)
            await office.desk.clerk.renew()
        assert office.book.do("SELECT COUNT(*) FROM workers") == [(2,)]
        office.clock.advance(RENEW_S)
        await office.desk.clerk.renew()
        office.clock.advance(RENEW_S)
        await office.desk.clerk.renew()
        assert office.book.do("SELECT COUNT(*) FROM workers") == [(1,)]
        assert office.log.fields_of("workers_given_up") == {"workers": 1}

    tell(story)


def test_the_moment_is_the_databases() -> None:
    """A worker whose clock is an hour off counts minutes as the database does."""

    async def story(office: Office) -> None:
        office.book.engine.ahead_ms = 3_600_000
        await office.desk.clerk.renew()
        assert office.desk.clerk.now_ms() == office.clock.now_ms() + 3_600_000
        fund = office.desk.find(ACCOUNT, "rpm", "m", 8)
        (parts,) = await office.desk.obtain([Line(fund, 1, 1)])
        assert total(parts) == 1

    tell(story)


def test_funds_that_nobody_uses_are_forgotten() -> None:
    """After a minute nothing is kept of an account that makes no calls."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        held = await office.get(5, 20)
        fund = office.money()
        await office.pass_time(FORGET_S + 1)
        assert office.money() is fund
        office.desk.put_back(fund, held)
        await office.pass_time(1)
        assert office.money() is not fund

    tell(story, both=False)


def test_a_worker_that_leaves_gives_all_back() -> None:
    """Its row is gone; where the books are away that is left to a sweep. It trades no more."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        await office.get(5, 20)
        office.book.engine.gate.clear()
        waiting = asyncio.create_task(office.get(5, 90))
        await turns()
        office.book.engine.gate.set()
        await office.desk.clerk.leave()
        assert office.book.numbers() == (100, 0, 0, 0)
        waiting.cancel()
        office.desk.clerk.give_back(office.money().collect())
        assert office.desk.clerk._task is None
        office.book.engine.fails = 1
        await office.other.clerk.leave()
        assert office.log.events == ["worker_not_taken_off"]

    tell(story)


def test_cash_is_made_on_first_use() -> None:
    """An account without a purse gets one, and its id is asked for once; where it can't be had the call is refused."""

    async def story(office: Office) -> None:
        office.book.engine.fails = 1
        with pytest.raises(Unavailable):
            await office.desk.find_cash(ACCOUNT)
        name = await office.desk.find_cash(ACCOUNT)
        asked = office.book.engine.plays
        assert await office.desk.find_cash(ACCOUNT) == name
        assert office.book.engine.plays == asked
        assert office.book.numbers(name) == (0, 0, 0, 0)
        office.book.do("UPDATE allowances SET debt = 1, granted = -1")
        office.money().leases = []
        assert await office.desk.find_cash(ACCOUNT) == name

    tell(story)


def test_many_calls_find_cash_at_once() -> None:
    """The books are asked for the first ones; the others find it here."""

    async def story(office: Office) -> None:
        names = await asyncio.gather(*[office.desk.find_cash(ACCOUNT) for _ in range(200)])
        assert [(name,) for name in set(names)] == office.book.do("SELECT id FROM allowances")
        assert office.book.engine.plays == 2

    tell(story, both=False)


def test_cash_that_a_new_epoch_makes_void_is_asked_for_again() -> None:
    """The lease that tells its name is dropped before the call reads it; where that goes on the call is refused."""

    async def story(office: Office) -> None:
        office.book.fund(0)
        dropped = most = 0
        receive, fund = office.desk._receive, office.money()

        def receive_and_begin_anew(lines: Sequence[Line], granted: Granted) -> None:
            receive(lines, granted)
            nonlocal dropped
            if dropped < most:
                dropped += 1
                office.desk._drop()

        office.desk._receive = receive_and_begin_anew  # type: ignore[method-assign]  # in the same turn
        most = 1
        assert await office.desk.find_cash(ACCOUNT) == "cash"
        assert dropped == 1
        most, fund.leases = 1000, []
        waiting = asyncio.create_task(office.desk.find_cash(ACCOUNT))
        await until(lambda: dropped > 1)
        office.clock.advance(2)
        await turns()
        office.desk.put_back(fund, ())
        with pytest.raises(Unavailable, match="too slowly"):
            await waiting

    tell(story, both=False)


def test_cash_is_told_from_a_gift_that_has_ended() -> None:
    """What is left of it is the last lease for a while; a postpaid call is not charged to it."""

    async def story(office: Office) -> None:
        office.book.fund(100)
        office.book.fund(50, "gift", "gift", office.clock.now_ms() + 3000)
        await office.get(5, 5)
        office.clock.advance(4)
        await office.get(20, 20)
        assert [lease.allowance_id for lease in office.money().leases] == ["cash", "gift"]
        assert await office.desk.find_cash(ACCOUNT) == "cash"

    tell(story, both=False)


def test_a_minute_that_only_the_database_has_begun() -> None:
    """A lease for the next minute tells that it has begun: the call goes on in it."""

    async def story(office: Office) -> None:
        office.book.engine.ahead_ms = 60_000
        fund = office.desk.find(ACCOUNT, "rpm", "m", 8)
        (parts,) = await office.desk.obtain([Line(fund, 1, 1)])
        assert total(parts) == 1
        assert office.desk.clerk.now_ms() == office.clock.now_ms() + 60_000

    tell(story, both=False)


def test_a_minute_that_only_we_have_begun() -> None:
    """A lease for a minute that is over here is of no use: the call waits, and is refused when that does not help."""

    async def story(office: Office) -> None:
        office.book.engine.ahead_ms = -60_000
        lines = [Line(office.desk.find(ACCOUNT, "rpm", "m", 8), 1, 1)]
        waiting = asyncio.create_task(office.desk.obtain(lines))
        await until(lambda: office.book.do("SELECT * FROM leases"))
        office.clock.advance(2)
        with pytest.raises(Unavailable, match="too slowly"):
            await waiting
        waiting = asyncio.create_task(office.desk.obtain(lines))
        await turns()
        office.book.engine.ahead_ms = 0
        assert total((await waiting)[0]) == 1

    tell(story, both=False)


def test_a_worker_that_is_given_up_while_it_trades() -> None:
    """A trade that can't be sent is dropped when the worker begins anew, and its call is told to come again."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        trade = office.book.trade

        async def be_away(worker_id: str, asked: Trade) -> object:
            office.book.do("DELETE FROM workers WHERE node = 'a'")
            await office.desk.clerk.renew()
            raise Unavailable("away")

        office.book.trade = be_away  # type: ignore[assignment, method-assign]  # the books go away at this moment
        with pytest.raises(Unavailable):
            await office.get(5, 20)
        office.book.trade = trade  # type: ignore[method-assign]  # and are back
        assert total(await office.get(5, 20)) == 20

    tell(story)


def test_a_trade_that_was_done_for_a_worker_that_is_no_more() -> None:
    """What comes back for the epoch before is void; the call gets its lease in the new one."""

    async def story(office: Office) -> None:
        office.book.fund(1000)
        trade = office.book.trade
        done: list[object] = []

        async def take_long(worker_id: str, asked: Trade) -> object:
            traded = await trade(worker_id, asked)
            if not done:
                done.append(traded)
                await office.book.leave(worker_id)
                await office.desk.clerk.renew()
            return traded

        office.book.trade = take_long  # type: ignore[assignment, method-assign]  # its reply comes too late
        assert total(await office.get(5, 20)) == 20
        assert office.book.numbers() == (875, 125, 0, 0)

    tell(story)
