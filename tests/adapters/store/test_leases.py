"""Contract of the lease book: the same promises on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.lease_book import LeaseTable
from setaria.adapters.store.postgres.store import PostgresStore
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.core.errors import InternalError
from setaria.core.ids import AccountId
from setaria.domain.ledger.leases import (
    Ask,
    Debit,
    GiveBack,
    Gone,
    Grant,
    Granted,
    Short,
    Trade,
    Traded,
    Want,
    WantKind,
)
from tests.adapters.store.samples import (
    ACCOUNT,
    add_account_and_key,
    make_call,
    opened,
    read_rows,
    write_rows,
)

Store = SqliteStore | PostgresStore
Story = Callable[[LeaseTable, Store], Awaitable[None]]
A, B = "wk_a", "wk_b"


@pytest.fixture(autouse=True)
def _accounts(control: ControlStore) -> None:
    add_account_and_key(control)


def tell(url: str, story: Story) -> None:
    """Play a story with two workers on the books."""

    async def run() -> None:
        async with opened(url) as store:
            book = LeaseTable(store)
            assert (await book.enter(A, "node a")).workers == 1
            assert (await book.enter(B, "node b")).workers == 2
            await story(book, store)

    asyncio.run(run())


def fund(url: str, *purses: tuple[str, str, int, str]) -> None:
    """Put purses there: id, kind, what is in it, and when it ends (or NULL)."""
    write_rows(
        url,
        *(
            "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt, ends_at_ms) "
            f"VALUES ('{name}', '{ACCOUNT.id}', '{kind}', '{'' if kind == 'cash' else name}', 0, {amount}, {amount}, "
            f"0, 0, {end})"
            for name, kind, amount, end in purses
        ),
    )


def want(kind: WantKind = "money", least: int = 1, wish: int = 1, limit: int | None = None, scope: str = "") -> Want:
    """Make a want of the account that is new to the worker."""
    return Want(ACCOUNT.id, kind, scope, least, wish, limit, is_new=True)


class Worker:
    """Trades for one worker, two of which live."""

    def __init__(self, book: LeaseTable, name: str) -> None:
        self.book = book
        self.name = name
        self.number = 0

    async def trade(self, *asks: Ask, returns: Sequence[GiveBack] = ()) -> tuple[Granted | Short, ...]:
        """Trade, and give the answers."""
        self.number += 1
        traded = await self.book.trade(self.name, Trade(self.number, 2, asks, tuple(returns)))
        assert isinstance(traded, Traded)
        return traded.answers

    async def ask(self, *wants: Want) -> list[tuple[str, int]]:
        """Ask for one call, and give what was leased of which allowance."""
        (answer,) = await self.trade(wants)
        assert isinstance(answer, Granted)
        return [(grant.allowance_id, grant.amount) for grants in answer.grants for grant in grants]


def numbers(url: str) -> dict[str, tuple[Any, ...]]:
    """Read available, granted, spent and debt of every allowance, and make sure that they add up."""
    rows = read_rows(
        url,
        "SELECT id, available, granted, spent, debt, (SELECT COALESCE(SUM(amount), 0) FROM leases "
        "WHERE allowance_id = allowances.id AND leases.period = allowances.period) FROM allowances",
    )
    for name, available, granted, spent, debt, leased in rows:
        assert (name, available + int(leased) + spent - debt) == (name, granted)  # type: ignore[call-overload]  # numbers
    return {str(row[0]): row[1:5] for row in rows}


def leases(url: str) -> dict[tuple[object, object], object]:
    """Read all leases by worker and allowance, but for those that are calls for more."""
    rows = read_rows(url, "SELECT worker_id, allowance_id, amount FROM leases WHERE period >= 0")
    return {(row[0], row[1]): row[2] for row in rows}


def test_a_slice_is_a_share_or_what_the_call_needs(url: str) -> None:
    """1,000 left and two workers: 125; a call that wishes more gets that; one that needs less gets what is left."""
    fund(url, ("cash", "cash", 1000, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        a, b = Worker(book, A), Worker(book, B)
        assert await a.ask(want(least=5, wish=20)) == [("cash", 125)]
        assert await b.ask(want(least=5, wish=800)) == [("cash", 800)]
        assert await b.ask(want(least=75, wish=800)) == [("cash", 75)]
        assert await a.trade((want(least=1),)) == (Short(0, 0, 875),)

    tell(url, story)
    assert numbers(url) == {"cash": (0, 1000, 0, 0)}
    assert leases(url) == {(A, "cash"): 125, (B, "cash"): 875}


def test_gifts_go_first_by_their_end_and_ended_ones_never(url: str) -> None:
    """Gifts are leased in the order of their ends, then cash; what ended stays where it is."""
    fund(
        url,
        ("cash", "cash", 100, "NULL"),
        ("late", "gift", 10, "9795392000000"),
        ("ended", "gift", 10, "5"),
        ("soon", "gift", 10, "9795391000000"),
        ("always", "gift", 10, "NULL"),
    )

    async def story(book: LeaseTable, store: Store) -> None:
        assert await Worker(book, A).ask(want(least=1, wish=35)) == [
            ("soon", 10),
            ("late", 10),
            ("always", 10),
            ("cash", 5),
        ]

    tell(url, story)
    assert {name: row[0] for name, row in numbers(url).items()} == {
        "cash": 95,
        "late": 0,
        "soon": 0,
        "always": 0,
        "ended": 10,
    }


def test_a_call_gets_all_or_nothing(url: str) -> None:
    """Where one line can't be had, the others are not taken; a later ask of the same trade may have its own."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        slots = want("in_flight", limit=2, scope="m")
        asks = ((want(), slots), (slots, want(least=90, wish=90)), (want(least=9, wish=9),))
        answers = await Worker(book, A).trade(*asks)
        assert [type(answer) for answer in answers] == [Granted, Short, Granted]
        assert answers[1] == Short(1, 88, 0)

    tell(url, story)
    assert sorted(numbers(url).values()) == [(1, 2, 0, 0), (79, 100, 0, 0)]


def test_only_the_first_call_of_a_trade_takes_a_share(url: str) -> None:
    """Calls that ask together share one slice: the others get what they wish."""
    fund(url, ("cash", "cash", 1000, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        answers = await Worker(book, A).trade((want(wish=3),), (want(wish=3),))
        assert [answer.grants[0][0].amount for answer in answers if isinstance(answer, Granted)] == [125, 3]

    tell(url, story)


def test_a_minute_begins_anew(url: str) -> None:
    """In a new minute the whole limit is there, and what was leased in the old one is void."""

    async def story(book: LeaseTable, store: Store) -> None:
        a = Worker(book, A)
        rpm = want("rpm", limit=8, scope="m")
        ((_, first),) = await a.ask(rpm)
        assert first == 1
        (used,) = await a.trade((want("rpm", 7, 7, 8, "m"),))
        assert isinstance(used, Granted)
        ((short),) = await a.trade((rpm,))
        assert short == Short(0, 0, 0)
        write_rows(url, "UPDATE allowances SET period = period - 60000", "UPDATE leases SET period = period - 60000")
        old = read_rows(url, "SELECT allowance_id, period FROM leases")[0]
        assert len(await a.ask(rpm)) == 1
        returned = GiveBack(str(old[0]), int(str(old[1])), 5)
        assert await a.trade(returns=[returned]) == ()

    tell(url, story)
    ((available, granted, spent, debt),) = numbers(url).values()
    assert (available, granted, spent, debt) == (7, 8, 0, 0)


def test_a_limit_changes_at_once(url: str) -> None:
    """A lowered limit takes away what is not leased yet, a raised one adds to it."""

    async def story(book: LeaseTable, store: Store) -> None:
        a = Worker(book, A)
        await a.ask(want("in_flight", 6, 6, 10, "m"))
        assert await a.trade((want("in_flight", 1, 1, 5, "m"),)) == (Short(0, 0, 0),)
        ((_, got),) = await a.ask(want("in_flight", 1, 1, 7, "m"))
        assert got == 1

    tell(url, story)
    assert [*numbers(url).values()] == [(0, 7, 0, 0)]


def test_a_cap_has_a_row_a_month(url: str) -> None:
    """The cap of another month is not what pays now."""

    async def story(book: LeaseTable, store: Store) -> None:
        a = Worker(book, A)
        await a.ask(want("cap", 5, 5, 5, "key_1"))
        write_rows(url, "UPDATE allowances SET period = 5", "UPDATE leases SET period = 5")
        ((_, got),) = await a.ask(want("cap", 5, 5, 5, "key_1"))
        assert got == 5

    tell(url, story)
    assert len(numbers(url)) == 2


def test_a_raised_cap_first_makes_up_for_what_was_spent_beyond_it(url: str) -> None:
    """Of a cap of 40 instead of 10, of which 30 are spent, 10 are left, and not 30."""

    async def story(book: LeaseTable, store: Store) -> None:
        a = Worker(book, A)
        ((name, _),) = await a.ask(want("cap", 10, 10, 10, "key_1"))
        ((period,),) = read_rows(url, "SELECT period FROM allowances")
        await store.record(make_call(), (Debit(A, name, int(str(period)), 30, 10),))
        assert [*numbers(url).values()] == [(0, 10, 30, 20)]
        assert await a.trade((want("cap", 11, 11, 40, "key_1"),)) == (Short(0, 10, 0),)

    tell(url, story)
    assert [*numbers(url).values()] == [(10, 40, 30, 0)]


def test_what_comes_back_can_be_leased_by_another(url: str) -> None:
    """Returns are taken before asks are answered; an empty lease leaves no row; more than there is changes nothing."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        a, b = Worker(book, A), Worker(book, B)
        await a.ask(want(wish=100))
        await a.trade(returns=[GiveBack("cash", 0, 40)])
        assert await b.ask(want(wish=40)) == [("cash", 40)]
        await a.trade(returns=[GiveBack("cash", 0, 61), GiveBack("nothing", 0, 1)])
        await a.trade(returns=[GiveBack("cash", 0, 60)])

    tell(url, story)
    assert numbers(url) == {"cash": (60, 100, 0, 0)}
    assert leases(url) == {(B, "cash"): 40}


def test_used_requests_are_not_given_back(url: str) -> None:
    """What a worker used of a minute is booked as spent when the rest comes back."""

    async def story(book: LeaseTable, store: Store) -> None:
        a = Worker(book, A)
        ((name, _),) = await a.ask(want("rpm", 10, 10, 10, "m"))
        ((_, period),) = read_rows(url, "SELECT id, period FROM allowances")
        await a.trade(returns=[GiveBack(name, int(str(period)), 3, 7)])

    tell(url, story)
    assert [*numbers(url).values()] == [(3, 10, 7, 0)]


def test_a_trade_whose_reply_is_lost_is_done_once(url: str) -> None:
    """The same number again gives the same answer and moves nothing."""
    fund(url, ("cash", "cash", 1000, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        trade = Trade(1, 2, ((want(wish=10), want("rpm", limit=5, scope="m")), (want(least=2000),)))
        first = await book.trade(A, trade)
        assert await book.trade(A, trade) == first

    tell(url, story)
    assert numbers(url)["cash"] == (875, 1000, 0, 0)


def test_a_worker_that_was_given_up_gets_nothing(url: str) -> None:
    """Its leases go back to their allowances, what it took of a minute counts as used, and it hears that it is gone."""
    fund(url, ("cash", "cash", 1000, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        await Worker(book, A).ask(want(wish=10), want("rpm", 3, 3, 5, "m"), want("in_flight", limit=8, scope="m"))
        assert await book.sweep(60) == 0
        write_rows(url, f"UPDATE workers SET seen_at_ms = seen_at_ms - 61000 WHERE id = '{A}'")
        assert await book.sweep(60) == 1
        assert await book.renew(A) == Gone()
        assert await book.trade(A, Trade(9, 2)) == Gone()
        pulse = await book.renew(B)
        assert isinstance(pulse, msgspec.Struct)
        assert not isinstance(pulse, Gone)
        assert pulse.workers == 1

    tell(url, story)
    assert sorted(numbers(url).values()) == [(2, 5, 3, 0), (8, 8, 0, 0), (1000, 1000, 0, 0)]
    assert leases(url) == {}


def test_a_successor_and_one_that_leaves(url: str) -> None:
    """Who comes under the same node takes the place of the one before; who leaves gives all back."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        await Worker(book, A).ask(want(wish=60))
        await Worker(book, B).ask(want(wish=40))
        await book.enter("wk_c", "node a")
        await book.enter("wk_c", "node a")
        assert await book.renew(A) == Gone()
        assert numbers(url)["cash"][0] == 60
        await book.leave(B)
        await book.leave(B)

    tell(url, story)
    assert numbers(url) == {"cash": (100, 100, 0, 0)}
    assert read_rows(url, "SELECT id FROM workers") == [("wk_c",)]


def test_recalls_are_read(url: str) -> None:
    """The accounts whose leases are called home are told."""

    async def story(book: LeaseTable, store: Store) -> None:
        assert await book.read_recalls() == frozenset()
        write_rows(url, "INSERT INTO recalls (account_id, at_ms) VALUES ('acct_1', 4102444800000)")
        assert await book.read_recalls() == {AccountId("acct_1")}

    tell(url, story)


def test_nothing_is_leased_of_a_recalled_account(url: str) -> None:
    """From the moment of the recall on, whether the worker knows of it or not; limits are, and money of other accounts.

    What is there is told, so that its calls wait. A recall whose beginner has died stands no more.
    """
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        worker = Worker(book, A)
        write_rows(url, "INSERT INTO recalls (account_id, at_ms) VALUES ('acct_1', 4102444800000)")
        assert await worker.trade((want(wish=60),)) == (Short(0, 100, 0),)
        assert await worker.ask(want(least=0, wish=0)) == [("cash", 0)]
        assert [amount for _, amount in await worker.ask(want("rpm", wish=1, limit=8))] == [1]
        write_rows(url, "UPDATE recalls SET at_ms = 0")
        assert await worker.ask(want(wish=60)) == [("cash", 60)]
        write_rows(url, "UPDATE recalls SET at_ms = 4102444800000, account_id = 'acct_2'")
        assert await worker.ask(want(wish=10)) == [("cash", 10)]

    tell(url, story)


def debit(amount: int, leased: int, **more: Any) -> Debit:  # the fields of Debit
    """Make what a call takes from cash."""
    return Debit(A, "cash", 0, amount, leased, **more)


def test_calls_are_paid_from_their_lease_once(url: str) -> None:
    """A batch shrinks the lease by what its calls cost; a call that comes again, also in the same, costs nothing."""
    fund(url, ("cash", "cash", 100, "NULL"))
    calls = [make_call() for _ in range(5)]

    async def story(book: LeaseTable, store: Store) -> None:
        await Worker(book, A).ask(want(wish=60))
        outcomes = await asyncio.gather(*[store.record(each, (debit(10, 10),)) for each in (*calls, *calls)])
        assert outcomes == ["written"] * 10
        assert leases(url) == {(A, "cash"): 10}
        late = make_call()
        assert (
            await asyncio.gather(
                *[store.record(each, (debit(10, 10),)) for each in (*calls, late)],
            )
            == ["written"] * 6
        )

    tell(url, story)
    assert numbers(url) == {"cash": (40, 100, 60, 0)}
    assert leases(url) == {}
    assert {row[0] for row in read_rows(url, "SELECT note FROM calls")} == {""}


@pytest.mark.parametrize(
    "each, cash, note",
    [
        pytest.param(debit(90, 60), (10, 100, 90, 0), "", id="beyond the hold, there is enough"),
        pytest.param(debit(130, 60), (0, 100, 130, 30), "debt", id="beyond the hold, there is not"),
        pytest.param(debit(50, 0, overdraws=True), (-10, 100, 50, 0), "", id="postpaid"),
        pytest.param(debit(70, 70), (30, 100, 70, 0), "late", id="the lease is smaller than it was thought"),
    ],
)
def test_what_no_lease_covers(url: str, each: Debit, cash: tuple[int, ...], note: str) -> None:
    """It comes from what is available, and the rest is debt; where the lease was gone the call's note says so."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        await Worker(book, A).ask(want(wish=60))
        await store.record(make_call(note=""), (each,))

    tell(url, story)
    assert numbers(url)["cash"] == cash
    assert read_rows(url, "SELECT note FROM calls") == [(note,)]


def test_what_is_beyond_a_cap_is_no_debt_of_the_call(url: str) -> None:
    """Nobody owes it, so the row says nothing; where two purses owe something it says so once."""
    fund(url, ("cap", "cap", 10, "NULL"), ("cash", "cash", 10, "NULL"), ("gift", "gift", 10, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        await store.record(make_call(id="0" * 32), (Debit(A, "cap", 0, 30, 0),))
        await store.record(make_call(id="1" * 32), (Debit(A, "cash", 0, 30, 0), Debit(A, "gift", 0, 30, 0)))

    tell(url, story)
    assert {name: row[3] for name, row in numbers(url).items()} == {"cap": 20, "cash": 20, "gift": 20}
    assert read_rows(url, "SELECT note FROM calls ORDER BY id") == [("",), ("debt",)]


def test_a_worker_calls_for_what_others_have(url: str) -> None:
    """Who is short of what another worker has calls for it until its next trade; its own call it does not hear."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        a, b = Worker(book, A), Worker(book, B)
        await a.ask(want(wish=100))
        assert await b.trade((want(),)) == (Short(0, 0, 100),)
        assert await book.read_hungry(A) == {"cash"}
        assert await book.read_hungry(B) == frozenset()
        await b.trade()
        assert await book.read_hungry(A) == frozenset()

    tell(url, story)
    assert leases(url) == {(A, "cash"): 100}


def test_a_purse_is_made_for_who_has_none(url: str) -> None:
    """An account that never had a purse gets its cash, empty; debt does not keep anybody from asking for nothing."""

    async def story(book: LeaseTable, store: Store) -> None:
        a = Worker(book, A)
        assert await a.trade((want(least=1),)) == (Short(0, 0, 0),)
        write_rows(url, "UPDATE allowances SET debt = 5, granted = -5")
        ((_, amount),) = await a.ask(want(least=0, wish=0))
        assert amount == 0

    tell(url, story)
    assert [*numbers(url).values()] == [(0, -5, 0, 5)]


def test_what_can_not_be_asked_for(url: str) -> None:
    """A number that no database keeps is refused as a defect, and nothing moves."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        with pytest.raises(InternalError):
            await Worker(book, A).trade((want("in_flight", 1, 1, 2**70, "m"),))

    tell(url, story)
    assert numbers(url) == {"cash": (100, 100, 0, 0)}


def test_a_settlement_after_its_lease_was_swept(url: str) -> None:
    """It debits the allowance itself, what is not there is debt, and its note says that it came late."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        await Worker(book, A).ask(want(wish=60))
        await book.leave(A)
        b = Worker(book, B)
        await b.ask(want(wish=80))
        await store.record(make_call(note="odd"), (debit(50, 50),))
        ((short),) = await b.trade((want(),))
        assert short == Short(0, 0, 0, 30)

    tell(url, story)
    assert numbers(url) == {"cash": (0, 100, 50, 30)}
    assert read_rows(url, "SELECT note FROM calls") == [("odd late",)]


def test_what_comes_back_pays_the_debt_first(url: str) -> None:
    """A remainder that comes back clears debt before anybody can spend it."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        b = Worker(book, B)
        await b.ask(want(wish=100))
        await store.record(make_call(), (debit(30, 0),))
        assert numbers(url)["cash"] == (0, 100, 30, 30)
        await b.trade(returns=[GiveBack("cash", 0, 100)])

    tell(url, story)
    assert numbers(url) == {"cash": (70, 100, 30, 0)}


def test_a_settlement_of_a_period_that_is_over(url: str) -> None:
    """A row that stands for another period by now is left as it is."""
    fund(url, ("cash", "cash", 100, "NULL"))

    async def story(book: LeaseTable, store: Store) -> None:
        await store.record(make_call(), (Debit(A, "cash", 7, 10, 10), Debit(A, "gone", 0, 10, 10)))

    tell(url, story)
    assert numbers(url) == {"cash": (100, 100, 0, 0)}


def test_an_odd_call_is_written_and_kept_to_be_looked_at(url: str) -> None:
    """A call with an oddity is on the books, and in quarantine with the reason."""
    call = make_call()

    async def story(book: LeaseTable, store: Store) -> None:
        assert await store.record(call, (), "ten times the estimate") == "written"
        assert await store.record(call, (), "ten times the estimate") == "written"

    tell(url, story)
    assert read_rows(url, "SELECT call_id, reason FROM quarantine") == [(call.id, "ten times the estimate")]
    assert [(call.id,)] == read_rows(url, "SELECT id FROM calls")


def test_a_grant_says_what_is_left(url: str) -> None:
    """With each slice comes what is left there and when it ends."""
    fund(url, ("gift", "gift", 100, "9795392000000"))

    async def story(book: LeaseTable, store: Store) -> None:
        (answer,) = await Worker(book, A).trade((want(wish=60),))
        assert isinstance(answer, Granted)
        assert answer.grants[0][0] == Grant("gift", 0, 60, 40, 9795392000000)

    tell(url, story)
