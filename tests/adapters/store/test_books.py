"""The books under random events: whatever is done, lost or repeated, they add up, and no call is paid twice."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from setaria.adapters.store import worker_scripts
from setaria.adapters.store.lease_book import LeaseTable
from setaria.adapters.store.script import Script
from setaria.adapters.store.settlement import apply_debits, settlement_of
from setaria.adapters.store.trade_script import trade_leases
from setaria.core.errors import Unavailable
from setaria.core.ids import new_worker_id
from setaria.domain.ledger.leases import Debit, GiveBack, Gone, Granted, Trade, Want
from setaria.domain.ledger.records import CallRecord
from tests.adapters.store.samples import ACCOUNT, make_call, opened, read_rows, write_rows

T = TypeVar("T")
NODES = ("a", "b")
SCRIPTS = ("trade", "settlement", "sweep")


def broken_off(script: Script[object], after: int) -> Script[object]:
    """Play a script up to a statement, and break off there."""
    with contextlib.suppress(StopIteration):
        said = next(script)
        for _ in range(after):
            said = script.send((yield said))
    raise Unavailable("it broke")


class BooksMachine(RuleBasedStateMachine):
    """Two workers, a gift and cash, on a real database."""

    url = ""
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.opening = opened(self.url)
        self.store = self.do(self.opening.__aenter__())
        self.book = LeaseTable(self.store)
        self.workers = {node: new_worker_id() for node in NODES}
        self.numbers = dict.fromkeys(NODES, 0)
        self.sent: dict[str, Trade] = {}
        self.granted = 0
        self.charges: dict[str, int] = {}

    def do(self, story: Coroutine[Any, Any, T]) -> T:  # whatever a coroutine is sent
        """Play something to its end."""
        return self.loop.run_until_complete(story)

    @initialize()
    def begin(self) -> None:
        """Put money and workers there."""
        write_rows(self.url, *(f"DELETE FROM {table}" for table in ("leases", "workers", "calls", "allowances")))
        rows = (("cash", "", 1000), ("gift", "gift", 300))
        write_rows(
            self.url,
            *(
                "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt) "
                f"VALUES ('{kind}', '{ACCOUNT.id}', '{kind}', '{scope}', 0, {amount}, {amount}, 0, 0)"
                for kind, scope, amount in rows
            ),
        )
        self.granted = 1300
        for node in NODES:
            self.do(self.book.enter(self.workers[node], node))

    def trade(self, node: str, trade: Trade) -> tuple[tuple[str, str, int], ...]:
        """Trade; give what was leased, as worker, allowance and amount. A worker that is gone begins anew."""
        worker_id = self.workers[node]
        traded = self.do(self.book.trade(worker_id, trade))
        if isinstance(traded, Gone):
            self.workers[node], self.numbers[node] = new_worker_id(), 0
            self.do(self.book.enter(self.workers[node], node))
            return ()
        return tuple(
            (worker_id, grant.allowance_id, grant.amount)
            for answer in traded.answers
            if isinstance(answer, Granted)
            for grants in answer.grants
            for grant in grants
            if grant.amount
        )

    @rule(target=held, node=st.sampled_from(NODES), least=st.integers(1, 50), more=st.integers(0, 300))
    def lease(self, node: str, least: int, more: int) -> tuple[tuple[str, str, int], ...]:
        """A call asks for money; its reply may be lost, so it is asked twice."""
        self.numbers[node] += 1
        ask = (Want(ACCOUNT.id, "money", "", least, least + more),)
        trade = Trade(self.numbers[node], 2, (ask,))
        worker_id = self.workers[node]
        leased = self.trade(node, trade)
        if worker_id == self.workers[node]:
            assert self.trade(node, trade) == leased
        return leased

    async def record(self, call: CallRecord, debits: tuple[Debit, ...]) -> None:
        """Write a call."""
        await self.store.record(call, debits)

    @rule(held=held, share=st.integers(0, 150), times=st.integers(1, 3))
    def settle(self, held: tuple[tuple[str, str, int], ...], share: int, times: int) -> None:
        """A call ends; it costs some of what it held, or more, and its settlement comes several times."""
        call = make_call()
        debits = tuple(
            Debit(worker_id, name, 0, amount * share // 100, min(amount, amount * share // 100))
            for worker_id, name, amount in held
        )
        for _ in range(times):
            self.do(self.record(call, debits))
        for debit in debits:
            self.charges[debit.allowance_id] = self.charges.get(debit.allowance_id, 0) + debit.amount

    @rule(held=held, share=st.integers(0, 100), node=st.sampled_from(NODES))
    def give_back(self, held: tuple[tuple[str, str, int], ...], share: int, node: str) -> None:
        """A worker returns what it has, or had, or never had."""
        self.numbers[node] += 1
        returns = tuple(GiveBack(name, 0, amount * share // 100) for _, name, amount in held)
        self.trade(node, Trade(self.numbers[node], 2, (), returns))

    @rule(node=st.sampled_from(NODES))
    def die(self, node: str) -> None:
        """A worker was not seen for a minute, and is given up."""
        write_rows(self.url, f"UPDATE workers SET seen_at_ms = 0 WHERE id = '{self.workers[node]}'")
        self.do(self.book.sweep(60))

    @rule(node=st.sampled_from(NODES))
    def succeed(self, node: str) -> None:
        """A worker is killed, and its successor comes."""
        self.workers[node], self.numbers[node] = new_worker_id(), 0
        self.do(self.book.enter(self.workers[node], node))

    @rule(amount=st.integers(1, 500))
    def top_up(self, amount: int) -> None:
        """Money is paid in; debt is paid first."""
        debt = int(str(read_rows(self.url, "SELECT debt FROM allowances WHERE id = 'cash'")[0][0]))
        paid = min(debt, amount)
        write_rows(
            self.url,
            f"UPDATE allowances SET granted = granted + {amount}, debt = debt - {paid}, "
            f"available = available + {amount - paid} WHERE id = 'cash'",
        )
        self.granted += amount

    @rule(node=st.sampled_from(NODES), held=held, what=st.sampled_from(SCRIPTS), after=st.integers(0, 8))
    def crash(self, node: str, held: tuple[tuple[str, str, int], ...], what: str, after: int) -> None:
        """A trade, a settlement or a sweep is broken off at any of its statements: nothing of it is there."""
        before = [read_rows(self.url, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in ("allowances", "leases")]
        with pytest.raises(Unavailable):
            self.do(self.store.play(broken_off(self.write_script(node, held, what), after)))
        assert before == [
            read_rows(self.url, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in ("allowances", "leases")
        ]

    def write_script(self, node: str, held: tuple[tuple[str, str, int], ...], what: str) -> Script[object]:
        """Write a transaction, as the store plays it."""
        dialect = self.store.dialect
        match what:
            case "trade":
                wants = (Want(ACCOUNT.id, "money", "", 0, 9), Want(ACCOUNT.id, "rpm", "m", 0, 1, 9, is_new=True))
                return trade_leases(dialect, self.workers[node], Trade(-1, 2, (wants,)))
            case "settlement":
                debits = tuple(Debit(worker_id, name, 0, amount + 5, amount) for worker_id, name, amount in held)
                return apply_debits(dialect, [settlement_of(make_call(), debits)])
            case _:
                return worker_scripts.leave(dialect, self.workers[node])

    @invariant()
    def the_books_add_up(self) -> None:
        """Available + leased + spent - debt = granted; nothing is below zero; spent is what the calls cost."""
        rows = read_rows(
            self.url,
            "SELECT id, available, spent, debt, granted, (SELECT COALESCE(SUM(amount), 0) FROM leases "
            "WHERE allowance_id = allowances.id AND leases.period = allowances.period) FROM allowances",
        )
        total = 0
        for name, *numbers in rows:
            available, spent, debt, granted, leased = (int(str(number)) for number in numbers)
            assert available + leased + spent - debt == granted
            assert min(available, leased, spent, debt) >= 0
            assert spent == self.charges.get(str(name), 0)
            total += granted
        assert total == self.granted

    def teardown(self) -> None:
        """Close the store."""
        self.do(self.opening.__aexit__(None, None, None))
        self.loop.close()


def test_the_books_under_random_events(url: str) -> None:
    """Leases, endings, top-ups, deaths, lost replies and repeated settlements in any order keep every rule."""
    write_rows(url, f"INSERT INTO accounts (id, name, status, created_at_ms) VALUES ('{ACCOUNT.id}', 'x', 'active', 1)")
    machine = type("Machine", (BooksMachine,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
