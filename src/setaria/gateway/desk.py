"""Desk: where calls get what they need of an account's allowances, from memory, or else from the books.

A call that is short waits while others hold leases on what it needs, and asks again, for up to `PATIENCE_S`; remainders
that lie idle go back within a second, so what is not used anywhere is found.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

import msgspec

from setaria.core.clock import Clock
from setaria.core.errors import FundsHeld, Unavailable
from setaria.core.ids import AccountId
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.funds import Fund, Line, Part, Parts
from setaria.domain.ledger.leases import (
    MINUTE_MS,
    SHARES,
    GiveBack,
    Granted,
    Short,
    Want,
    WantKind,
    period_of,
)
from setaria.domain.ledger.ports import LeaseBook
from setaria.domain.ledger.shortage import explain_short
from setaria.gateway.clerk import Clerk
from setaria.gateway.ports import Log

TICK_S = 0.5
PATIENCE_S = 1.5
RECALL_PATIENCE_S = 5.0
ASK_AGAIN_S = 0.1
LOOK_AGAIN_S = 0.05
FORGET_S = 60.0
BOOKS_PATIENCE_S = 2.0
_RECALLED = ("money", "cap", "plan", "window", "in_flight")
"""What goes home when an account's leases are called; what is left of a minute is over soon anyway."""


class Desk:
    """The funds of this worker.

    Takes: node, a name that no other process that lives has.
    Order: `clerk.enter` first; `tick` every `TICK_S`, `renew` every `clerk.RENEW_S`; `clerk.leave` last.
    """

    def __init__(self, book: LeaseBook, node: str, clock: Clock, log: Log) -> None:
        self.clerk = Clerk(book, node, clock, log, self._drop)
        self._book = book
        self._clock = clock
        self._funds: dict[tuple[AccountId, WantKind, str], Fund] = {}
        self._recalled: frozenset[AccountId] = frozenset()
        self._news = 0
        self.generation = 0  # counts funds forgotten and limits changed: who knows a fund by itself then finds it again
        self._released = asyncio.Event()
        self._is_awaited = False  # whether somebody waits for it
        self._has_called = False

    def find(
        self,
        account_id: AccountId,
        kind: WantKind,
        scope: str = "",
        limit: int | None = None,
        times: WindowTimes | None = None,
    ) -> Fund:
        """Give a fund; a limit that has changed since is asked for anew. `times` are those of a plan's window."""
        key = (account_id, kind, scope)
        fund = self._funds.get(key)
        if fund is None:
            fund = self._funds[key] = Fund(Want(account_id, kind, scope, 0, 0, limit, times=times))
        elif fund.limit != limit:
            fund.limit = limit
            fund.want = msgspec.structs.replace(fund.want, limit=limit)
            fund.short_until_s = 0.0  # what the books refused was under the old one
            self.generation += 1
            self.clerk.give_back(fund.collect())  # with nothing left here the next call asks, and tells the new limit
        return fund

    def take(self, lines: Sequence[Line]) -> list[Parts] | None:
        """Take what all lines wish out of what lies here; None when something of it does not.

        Cost: hot path; 0.6 us a line.
        """
        now_s = self._clock.monotonic_s()
        clerk = self.clerk
        if self._clock.uptime_s() > clerk.spends_until_s or (self._recalled and self._is_recalled(lines)):
            return None
        now_ms = int(now_s * 1000 + clerk.ahead_ms)
        minute = now_ms - now_ms % MINUTE_MS
        taken: list[Parts] = []
        for line in lines:
            fund, wish = line.fund, line.wish
            fund.touched_s = now_s
            if line.limit is not None and line.limit != fund.limit:
                self._undo(lines, taken)
                return None
            if fund.leases:  # the first lease has enough nearly always
                lease = fund.leases[0]
                is_due = lease.period == minute if fund.is_of_minute else fund.kind != "cap"
                if is_due and lease.idle >= wish and (lease.ends_at_ms is None or lease.ends_at_ms > now_ms):
                    lease.idle -= wish
                    fund.held += wish
                    taken.append(((lease, wish),))
                    continue
            parts = fund.take(wish, wish, self._period(fund, now_ms), now_ms)
            if parts is None:
                self._undo(lines, taken)
                return None
            taken.append(parts)
        return taken

    async def obtain(self, lines: Sequence[Line]) -> list[Parts]:
        """Get what a call needs, from here or from the books.

        Raises: OutOfFunds, FundsHeld, Limited; Unavailable while the books are away or this worker may not spend.
        """
        started_s = self._clock.monotonic_s()
        for line in lines:
            line.fund.touched_s = started_s
        await self._wait_for_standing(lines, started_s)
        started_s = self._clock.monotonic_s()  # who had to wait for that has all the patience for what is lacking left
        while True:
            await self._wait_for_standing(lines, started_s)
            taken = self.take(lines)
            if taken is not None:
                return taken
            short, taken = await self._ask(lines)
            if taken is not None:
                return taken
            is_late = self._clock.monotonic_s() - started_s >= PATIENCE_S
            if short is not None:
                line = lines[short.want]
                now_ms = self.clerk.now_ms()
                shortage = explain_short(line.fund, line.due_limit or 0, line.least, line.own, short, now_ms)
                if is_late or not shortage.may_end_soon:
                    raise shortage.error
            elif is_late:  # what was leased was for a minute that is over, again and again
                raise Unavailable("the books answer too slowly now; try again", retry_after_s=1)
            await self._wait_for_release()

    def put_back(self, fund: Fund, parts: Iterable[Part], limit: int | None = None) -> None:
        """Take back what a call did not use, under its limit; what others wait for goes back to the books at once."""
        fund.put_back(parts)
        if self._is_awaited:
            self._is_awaited = False
            self._released.set()
        workers = self.clerk.workers
        is_tight = workers > 1 and fund.kind == "in_flight" and (fund.limit or 0) < SHARES * workers
        is_other = limit is not None and limit != fund.limit  # it is not for the next calls here
        is_lacking = bool(fund.leases) and fund.leases[0].idle < 0  # nor for those of other workers
        if is_tight or is_other or is_lacking or (self._recalled and fund.want.account_id in self._recalled):
            fund.short_until_s = 0.0  # the books will have more than they said
            self.clerk.give_back(fund.collect())

    def take_up_to(self, fund: Fund, amount: int) -> Parts:
        """Take what lies here of a fund, at most so much; nothing while this worker may not spend."""
        if not self.clerk.may_spend:
            return ()
        now_ms = self.clerk.now_ms()
        return fund.take(0, amount, self._period(fund, now_ms), now_ms) or ()

    async def find_cash(self, account_id: AccountId) -> str:
        """Give the id of an account's cash, which the books are asked for once.

        Raises: Unavailable; FundsHeld while the account is being changed.
        """
        fund = self.find(account_id, "money")
        lines = [Line(fund, 0, 0)]
        if account_id in self._recalled:
            await self._wait_for_standing(lines, self._clock.monotonic_s())
        started_s = self._clock.monotonic_s()
        while (cash := _cash_of(fund)) is None:
            fund.touched_s = self._clock.monotonic_s()
            if fund.touched_s - started_s >= PATIENCE_S:
                raise Unavailable("the books answer too slowly now; try again", retry_after_s=1)
            await self._ask(lines)
            if not fund.leases:  # a new epoch began just now, or the books had nothing for this account a moment ago
                await self._wait_for_release()
        return cash

    async def renew_recalls(self) -> None:
        """Learn which accounts' leases are called home, and send them.

        Raises: Unavailable.
        """
        self._recalled = await self._book.read_recalls()
        for fund in self._funds.values():
            if fund.want.account_id in self._recalled and fund.kind in _RECALLED:
                self.clerk.give_back(fund.collect())

    async def renew(self) -> None:
        """Learn of changes: there may be a gift, which is spent before the money that lies here, and recalls.

        Raises: Unavailable.
        """
        self._news += 1
        self._return_money(self._funds.values())
        await self.renew_recalls()

    async def tick(self) -> None:
        """Return what lies idle, and forget what nobody has used for a while."""
        hungry: frozenset[str] = frozenset()
        with contextlib.suppress(Unavailable):
            if self._recalled:
                await self.renew_recalls()
            if self.clerk.workers > 1 and self._funds:
                hungry = await self._book.read_hungry(self.clerk.worker_id)
        if self._has_called:  # the next trade ends the call; who still waits calls again
            self._has_called = False
            self.clerk.give_back([GiveBack("", 0, 0)])
        now_s, now_ms = self._clock.monotonic_s(), self.clerk.now_ms()
        for key, fund in list(self._funds.items()):
            self.clerk.give_back(self._idle_of(fund, hungry, now_s, now_ms))
            if not fund.held and not fund.waiters and now_s - fund.touched_s > FORGET_S:
                del self._funds[key]
                self.generation += 1

    def _idle_of(self, fund: Fund, hungry: frozenset[str], now_s: float, now_ms: int) -> list[GiveBack]:
        """Give what should go back: it was not touched since the last tick, or others want it, or it has ended."""
        if fund.is_of_minute:
            minute = now_ms - now_ms % MINUTE_MS
            fund.leases = [lease for lease in fund.leases if lease.period == minute]
        is_wanted = any(lease.allowance_id in hungry for lease in fund.leases)
        has_ended = any(lease.ends_at_ms is not None and lease.ends_at_ms <= now_ms for lease in fund.leases)
        if is_wanted or has_ended or now_s - fund.touched_s >= TICK_S:
            return fund.collect()
        return []

    def _period(self, fund: Fund, now_ms: int) -> int:
        kind = fund.kind
        if fund.is_of_minute:
            return now_ms - now_ms % MINUTE_MS
        return period_of(kind, now_ms) if kind == "cap" else fund.leases[0].period if fund.leases else 0

    def _undo(self, lines: Sequence[Line], taken: list[Parts]) -> None:
        for line, parts in zip(lines, taken, strict=False):
            line.fund.put_back(parts)
        self._return_others(lines)

    def _return_others(self, lines: Sequence[Line]) -> None:
        """Return what was leased under one limit and is needed under another; the books tell what is left there."""
        for line in lines:
            if line.is_other:
                self.clerk.give_back(line.fund.collect())

    def _drop(self) -> None:
        """Forget all leases: they are void. Calls under way keep their parts, which belong to nobody."""
        for fund in self._funds.values():
            fund.leases = []
            fund.short_until_s = 0.0

    def _is_recalled(self, lines: Sequence[Line]) -> bool:
        return bool(self._recalled) and any(line.fund.want.account_id in self._recalled for line in lines)

    async def _wait_for_standing(self, lines: Sequence[Line], started_s: float) -> None:
        """Wait while this worker may not spend, or the account's leases are called home."""
        while True:
            waited_s = self._clock.monotonic_s() - started_s
            if not self.clerk.may_spend:
                if waited_s >= PATIENCE_S:
                    raise Unavailable("this server has lost touch with its books; try again", retry_after_s=1)
            elif self._is_recalled(lines):
                if waited_s >= RECALL_PATIENCE_S:
                    raise FundsHeld("the account is being changed; send the request again in a moment", retry_after_s=1)
            else:
                return
            for line in lines:  # else a tick forgets the fund, and what comes to it never goes back
                line.fund.touched_s = self._clock.monotonic_s()
            await self._clock.sleep(LOOK_AGAIN_S)

    async def _wait_for_release(self) -> None:
        """Wait until a call gives something back, or the books may have more."""
        self._is_awaited = True
        self._released.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASK_AGAIN_S):
                await self._released.wait()

    # ---- asking the books

    async def _ask(self, lines: Sequence[Line]) -> tuple[Short | None, list[Parts] | None]:
        """Ask for what is lacking; gives why there is not enough, or what was taken, or neither: try again."""
        now_s = self._clock.monotonic_s()
        was_asked = any(line.fund.short_until_s > now_s for line in lines)
        if was_asked and not any(line.is_other for line in lines):  # a moment ago: what lies here has to do
            found = self._take_some(lines)
            short = self._known_short(lines, now_s) if found is None else None
            if found is not None or short is not None:
                return short, found
        taken: list[Parts] = []
        shorts: list[Short] = []
        news = self._news

        def apply(answer: Granted | Short) -> None:
            if isinstance(answer, Granted):
                self._receive(lines, answer)
            # Where nothing is left there, calls that were answered before this one may have brought it here.
            if not future.done() and (isinstance(answer, Granted) or not any(line.is_other for line in lines)):
                taken.extend(self._take_some(lines) or ())
            self._return_others(lines)
            self._return_money([line.fund for line in lines if news != self._news])  # leased before what is new
            if isinstance(answer, Short):
                shorts.append(self._note_short(lines[answer.want], answer))

        def find() -> bool:
            taken.extend(self._take_leased(lines) or ())
            return bool(taken)

        for line in lines:
            line.fund.waiters += 1
        future = self.clerk.ask(tuple(map(self._want, lines)), apply, find)
        try:
            async with asyncio.timeout(BOOKS_PATIENCE_S):
                await future
        except (TimeoutError, asyncio.CancelledError) as error:
            self._undo(lines, taken)
            if isinstance(error, TimeoutError):
                raise Unavailable("the books are not available now; try again", retry_after_s=2) from None
            raise
        finally:
            for line in lines:
                line.fund.waiters -= 1
        return (shorts[0] if shorts else None), (taken or None)

    def _return_money(self, funds: Iterable[Fund]) -> None:
        for fund in funds:
            if fund.kind == "money":
                self.clerk.give_back(fund.collect())

    def _receive(self, lines: Sequence[Line], granted: Granted) -> None:
        """Keep what the books gave."""
        for line, grants in zip(lines, granted.grants, strict=True):
            line.fund.receive(self.clerk.worker_id, grants)
            for grant in grants:
                self.clerk.catch_up(grant.period)  # a minute that the database has begun has begun

    def _note_short(self, line: Line, short: Short) -> Short:
        """Keep that the books gave nothing, but for what is on its way to them, which counts as what others have."""
        self._has_called |= short.elsewhere > 0
        returning = self.clerk.count_returning([lease.allowance_id for lease in line.fund.leases])
        if not returning and not line.is_other:
            line.fund.note_short(short, self._clock.monotonic_s() + ASK_AGAIN_S)
        return msgspec.structs.replace(short, elsewhere=short.elsewhere + returning)

    def _take_leased(self, lines: Sequence[Line]) -> list[Parts] | None:
        """Take what all lines wish; who needs nothing of a fund may want to know its leases, so there has to be one."""
        return self.take(lines) if all(line.fund.leases for line in lines) else None

    def _known_short(self, lines: Sequence[Line], now_s: float) -> Short | None:
        """Give what the books said a moment ago of one of the lines, if there still is not enough of it here."""
        now_ms = self.clerk.now_ms()
        for index, line in enumerate(lines):
            fund = line.fund
            is_lacking = fund.idle(self._period(fund, now_ms), now_ms) < line.least
            if is_lacking and fund.short_until_s > now_s:
                return msgspec.structs.replace(line.fund.short, want=index)
        return None

    def _want(self, line: Line) -> Want:
        fund, now_ms = line.fund, self.clerk.now_ms()
        idle = 0 if line.is_other else fund.idle(self._period(fund, now_ms), now_ms)
        return msgspec.structs.replace(
            fund.want,
            least=max(0, line.least - idle),
            wish=max(0, line.wish - idle),
            limit=line.due_limit,
            is_new=not fund.leases,
        )

    def _take_some(self, lines: Sequence[Line]) -> list[Parts] | None:
        """Take what there is, if it is enough."""
        now_ms, now_s = self.clerk.now_ms(), self._clock.monotonic_s()
        taken: list[Parts] = []
        for line in lines:
            parts = line.fund.take(line.least, line.wish, self._period(line.fund, now_ms), now_ms)
            if parts is None:
                self._undo(lines, taken)
                return None
            line.fund.touched_s = now_s
            taken.append(parts)
        return taken


def _cash_of(fund: Fund) -> str | None:
    """Name the cash among an account's purses: the last one without an end; gifts that have ended may come after it."""
    return next((lease.allowance_id for lease in reversed(fund.leases) if lease.ends_at_ms is None), None)
