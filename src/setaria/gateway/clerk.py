"""Clerk: stands for this worker at the books: keeps its row alive, and trades its leases, one trade at a time.

Theory. The worker has an epoch, which is the id of its row. While the last renewal that was confirmed was *sent* less
than `FENCE_S` ago the worker may spend from its leases; a sweeper gives a row up only after three times that long. A
worker that learns that its row is gone drops all it has and begins a new epoch. These times go on while the machine is
suspended, as they do for the sweeper.

    state         left when                                 it may spend
    outside       its row is written                        no
    standing      a renewal finds no row (outside);         yes
                  `FENCE_S` without one (doubtful)
    doubtful      a renewal is confirmed (standing)         no
                  or finds no row (outside)

A trade whose reply does not come is sent again, unchanged, until one does: its number makes that it happens once.
Nothing else is traded meanwhile, so what the worker thinks it has and what the books say never part. Who asks meanwhile
looks again, when the next trade begins, whether the last one brought what it needs.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from setaria.core.clock import Clock
from setaria.core.errors import SetariaError, Unavailable
from setaria.core.ids import new_worker_id
from setaria.domain.ledger.leases import SWEEP_S, Ask, GiveBack, Gone, Granted, Pulse, Short, Trade, Traded
from setaria.domain.ledger.ports import LeaseBook
from setaria.gateway.ports import Log

RENEW_S = 5.0
FENCE_S = 20.0
PAUSE_S = 0.25
MOST_ASKS = 64
_NEVER_S = float("-inf")

Apply = Callable[[Granted | Short], None]
Find = Callable[[], bool]
_Waiting = tuple[Ask, Apply, Find, "asyncio.Future[None]"]


class _Moment(NamedTuple):
    """When something was sent, on both clocks."""

    uptime_s: float
    monotonic_s: float


class Clerk:
    """Implements the side of this worker.

    `spends_until_s` and `ahead_ms` are what `may_spend` and `now_ms` go by, for who knows the uptime and the monotonic
    time already.
    Takes: node, which no other process that lives has; on_new_epoch, told when all leases are void.
    Order: `enter` first, `renew` every `RENEW_S`, `leave` last.
    """

    def __init__(self, book: LeaseBook, node: str, clock: Clock, log: Log, on_new_epoch: Callable[[], None]) -> None:
        self.worker_id = new_worker_id()
        self.workers = 1
        self._book = book
        self._node = node
        self._clock = clock
        self._log = log
        self._on_new_epoch = on_new_epoch
        self.ahead_ms = clock.now_ms() - clock.monotonic_s() * 1000
        self.spends_until_s = _NEVER_S
        self._reached_since_s: float | None = None
        self._number = 0
        self._asks: list[_Waiting] = []
        self._returns: list[GiveBack] = []
        self._task: asyncio.Task[None] | None = None
        self._has_left = False

    @property
    def may_spend(self) -> bool:
        """Whether calls may be admitted on leases, and holds may grow."""
        return self._clock.uptime_s() <= self.spends_until_s

    def now_ms(self) -> int:
        """Tell the moment by the database's clock, as near as the last renewal tells it."""
        return int(self._clock.monotonic_s() * 1000 + self.ahead_ms)

    def catch_up(self, moment_ms: int) -> None:
        """Learn that the database's clock has reached a moment: ours is not behind it."""
        self.ahead_ms = max(self.ahead_ms, moment_ms - self._clock.monotonic_s() * 1000)

    async def enter(self) -> None:
        """Begin an epoch.

        Raises: Unavailable.
        """
        sent = self._moment()
        self._confirm(await self._book.enter(self.worker_id, self._node), sent)

    async def renew(self) -> None:
        """Say that this worker lives; then give up those that were not heard of for a minute, if we were."""
        sent, worker_id = self._moment(), self.worker_id
        try:
            pulse = await self._book.renew(worker_id)
            if worker_id != self.worker_id:  # a trade has found out meanwhile
                return
            if isinstance(pulse, Gone):
                await self._begin_anew()
                return
            self._confirm(pulse, sent)
            if self._reached_since_s is not None and sent.uptime_s - self._reached_since_s >= SWEEP_S:
                swept = await self._book.sweep(SWEEP_S)
                if swept:
                    self._log.warning("workers_given_up", workers=swept)
        except Unavailable:
            self._reached_since_s = None

    def ask(self, ask: Ask, apply: Apply, find: Find) -> "asyncio.Future[None]":
        """Ask for leases; `apply` is told the answer before anything else happens, also when nobody waits any more.

        What `find` takes out of leases that an earlier trade brought is not asked for. Nor is what nobody waits for.
        Raises: Unavailable, from the future, while the books are away.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asks.append((ask, apply, find, future))
        self._start()
        return future

    def give_back(self, returns: list[GiveBack]) -> None:
        """Return leases, as soon as may be."""
        if returns:
            self._returns += returns
            self._start()

    def count_returning(self, allowance_ids: Sequence[str]) -> int:
        """Count what of these allowances the next trade returns."""
        return sum(max(each.idle, 0) for each in self._returns if each.allowance_id in allowance_ids)

    async def leave(self) -> None:
        """Return everything and take this worker off the books; what can't be done is done by a sweep later."""
        self._has_left = True
        self.spends_until_s = _NEVER_S
        if self._task is not None:
            self._task.cancel()
        try:
            await self._book.leave(self.worker_id)
        except Unavailable:
            self._log.warning("worker_not_taken_off", worker=self.worker_id)

    def _moment(self) -> _Moment:
        return _Moment(self._clock.uptime_s(), self._clock.monotonic_s())

    def _confirm(self, pulse: Pulse, sent: _Moment) -> None:
        if self._reached_since_s is None or sent.uptime_s > self.spends_until_s:
            self._reached_since_s = sent.uptime_s
        self.spends_until_s = sent.uptime_s + FENCE_S
        self.workers = pulse.workers
        self.ahead_ms = pulse.now_ms - (sent.monotonic_s + self._clock.monotonic_s()) * 500

    async def _begin_anew(self) -> None:
        self._log.warning("worker_was_given_up", worker=self.worker_id)
        self.spends_until_s, self._reached_since_s = _NEVER_S, None
        self.worker_id = new_worker_id()
        self._number = 0
        self._returns = []
        self._on_new_epoch()
        await self.enter()

    # ---- trading

    def _start(self) -> None:
        if self._task is None and not self._has_left:
            # It begins when this turn of the loop is over, and so takes along all that the turn brings.
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._asks or self._returns:
                asks = self._next_asks()
                returns, self._returns = tuple(self._returns), []
                if asks or returns:
                    await self._trade(asks, returns)
        finally:
            self._task = None

    def _next_asks(self) -> list[_Waiting]:
        """Give what the next trade asks for; who finds here what it needs has its answer."""
        asks: list[_Waiting] = []
        seen = 0
        for waiting in self._asks:
            if len(asks) == MOST_ASKS:
                break
            seen += 1
            _, _, find, future = waiting
            if future.done():
                continue
            if find():
                future.set_result(None)
            else:
                asks.append(waiting)
        del self._asks[:seen]
        return asks

    async def _trade(self, asks: list[_Waiting], returns: tuple[GiveBack, ...]) -> None:
        """Send one trade until its reply comes."""
        worker_id = self.worker_id
        self._number += 1
        trade = Trade(self._number, self.workers, tuple([ask for ask, *_ in asks]), returns)
        while worker_id == self.worker_id:
            try:
                traded = await self._book.trade(worker_id, trade)
            except Unavailable as error:
                _fail(asks, error)
                await self._clock.sleep(PAUSE_S)
            except SetariaError as error:  # the books refuse what was asked, and took no returns either
                self._log.error("trade_refused", reason=error.message)
                self._returns = [*returns, *self._returns] if asks else self._returns
                if len(asks) == 1:
                    _fail(asks, error)
                else:  # one call's numbers are at fault, which are no other account's
                    for each in asks:
                        await self._trade([each], ())
                return
            else:
                await self._conclude(worker_id, traded, asks)
                return
        _fail(asks, Unavailable("this server was away for a while; send the request again", retry_after_s=1))

    async def _conclude(self, worker_id: str, traded: Traded | Gone, asks: list[_Waiting]) -> None:
        if worker_id != self.worker_id:  # what was leased then is void by now
            self._asks = asks + self._asks
        elif isinstance(traded, Gone):
            self._asks = asks + self._asks
            try:
                await self._begin_anew()
            except Unavailable as error:
                _fail(asks, error)
                self._asks = self._asks[len(asks) :]
        else:
            for (_, apply, _, future), answer in zip(asks, traded.answers, strict=True):
                apply(answer)
                if not future.done():
                    future.set_result(None)


def _fail(asks: list[_Waiting], error: SetariaError) -> None:
    for *_, future in asks:
        if not future.done():
            future.set_exception(error)
