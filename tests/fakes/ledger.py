"""Ledger: calls and keys in memory, slow or away when the test says so."""

import asyncio
from collections.abc import Sequence

from setaria.core.errors import Unavailable
from setaria.core.ids import CallId
from setaria.domain.accounts.records import Caller, KeyUse
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord, Outcome
from setaria.domain.plans.subscriptions import Subscription


class FakeLedger:
    """Implements the ports Ledger, KeyDirectory and PlanDirectory, and the change counter.

    `fails` is how many of the next questions and writes find it away; while `closed` is set, they wait for `open`.
    `defect` is raised by every write.
    """

    def __init__(self) -> None:
        self.rows: list[CallRecord] = []
        self.debits: dict[CallId, tuple[Debit, ...]] = {}
        self.oddities: dict[CallId, str] = {}
        self.outcome: Outcome = "written"
        self.callers: dict[bytes, Caller] = {}
        self.uses: list[KeyUse] = []
        self.subscriptions: dict[str, Subscription] = {}
        self.changes = 0
        self.fails = 0
        self.asked = 0
        self.waiting = 0
        self.fault = ""
        self.checks = 0
        self.defect: Exception | None = None
        self._gate = asyncio.Event()
        self._gate.set()

    async def record(self, call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> Outcome:
        await self._pass()
        if self.defect is not None:
            raise self.defect
        if call.id not in {row.id for row in self.rows}:
            self.rows.append(call)
            self.debits[call.id] = debits
            self.oddities[call.id] = oddity
        return self.outcome

    async def note_key_uses(self, uses: Sequence[KeyUse]) -> None:
        await self._pass()
        self.uses += uses

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        self.asked += 1
        await self._pass()
        return self.subscriptions.get(subscription_id)

    async def find_caller(self, digest: bytes) -> Caller | None:
        self.asked += 1
        caller = self.callers.get(digest)
        await self._pass()
        return caller

    async def read_change_counter(self) -> int:
        await self._pass()
        return self.changes

    async def check(self) -> str:
        self.checks += 1
        await asyncio.sleep(0)
        return self.fault

    def close(self) -> None:
        """Let everything wait from now on."""
        self._gate.clear()

    def open(self) -> None:
        """Let everything go on."""
        self._gate.set()

    async def _pass(self) -> None:
        self.waiting += 1
        await self._gate.wait()
        self.waiting -= 1
        if self.fails:
            self.fails -= 1
            raise Unavailable("the database is away", retry_after_s=1)
