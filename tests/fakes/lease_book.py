"""Lease book: the real statements on a database in memory, away or slow when the test says so."""

import asyncio
import sqlite3
import weakref
from typing import TypeVar

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from setaria.adapters.store.lease_book import LeaseTable
from setaria.adapters.store.schema import metadata
from setaria.adapters.store.script import SQLITE, Rows, Say, Script
from setaria.adapters.store.settlement import Settlement, apply_debits, settlement_of
from setaria.adapters.store.sqlite.connection import play, values_of
from setaria.core.clock import Clock
from setaria.core.errors import Unavailable
from setaria.core.ids import AccountId
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord

T = TypeVar("T")
ACCOUNT = AccountId("acct_1")


class MemoryEngine:
    """Plays scripts; `plays` counts them. `fails` of them are not done, of `loses` the reply is lost.

    Its clock is the one given, `ahead_ms` ahead.
    """

    dialect = SQLITE._replace(now_ms="(SELECT now_ms FROM moment)")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self.connection.close)  # from Python 3.13 on, one that is left open is a warning
        maker = create_engine("sqlite://", creator=lambda: self.connection, poolclass=StaticPool)
        metadata.create_all(maker)
        self.connection.execute("CREATE TABLE moment (now_ms INTEGER)")
        self.connection.execute("INSERT INTO moment VALUES (0)")
        self.ahead_ms = 0
        self.plays = 0
        self.fails = 0
        self.loses = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def play(self, script: Script[T]) -> T:
        self.plays += 1
        self.connection.execute("UPDATE moment SET now_ms = ?", (self._clock.now_ms() + self.ahead_ms,))
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
            raise Unavailable("the database is away", retry_after_s=1)
        result = play(self.connection, script)
        if self.loses:
            self.loses -= 1
            raise Unavailable("the reply is lost", retry_after_s=1)
        return result

    async def ask(self, question: Say) -> Rows:
        await asyncio.sleep(0)
        return self.connection.execute(question.sql, values_of(question)).fetchall()


class MemoryBook(LeaseTable):
    """A lease book with one account; `engine` is what it plays on."""

    def __init__(self, clock: Clock) -> None:
        self.engine = MemoryEngine(clock)
        super().__init__(self.engine)
        self.do("INSERT INTO accounts (id, name, status, created_at_ms) VALUES ('acct_1', 'one', 'active', 0)")

    def do(self, sql: str) -> Rows:
        """Do anything to the database, and give its rows."""
        return self.engine.connection.execute(sql).fetchall()

    def fund(self, amount: int, kind: str = "cash", name: str = "cash", ends_at_ms: int | None = None) -> None:
        """Put a purse there."""
        scope = "" if kind == "cash" else name
        self.engine.connection.execute(
            "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt, ends_at_ms) "
            "VALUES (?, ?, ?, ?, 0, ?, ?, 0, 0, ?)",
            (name, ACCOUNT, kind, scope, amount, amount, ends_at_ms),
        )

    def settle(self, call: CallRecord, debits: tuple[Debit, ...]) -> None:
        """Take what a call costs."""
        settled: Settlement = settlement_of(call, debits)
        play(self.engine.connection, apply_debits(SQLITE, [settled]))

    def numbers(self, name: str = "cash") -> tuple[int, int, int, int]:
        """Read available, leased, spent and debt of an allowance, and make sure that they add up to what is granted."""
        ((available, granted, spent, debt),) = self.do(
            f"SELECT available, granted, spent, debt FROM allowances WHERE id = '{name}'"
        )
        ((leased,),) = self.do(f"SELECT COALESCE(SUM(amount), 0) FROM leases WHERE allowance_id = '{name}'")
        assert available + leased + spent - debt == granted
        return available, leased, spent, debt
