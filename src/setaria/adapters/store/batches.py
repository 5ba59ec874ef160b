"""Group commit: all rows that wait are written in one transaction, as soon as the one before is done.

Where rows come fast the next batch waits for more of them, for a batch costs far more than a row: calls then end sooner
than they would otherwise. It waits until as many are there as lately came within `GATHER_S`, and no longer than that;
how many come is found out anew now and then. A row that comes alone waits for nothing.

Theory. A row is waiting, in the batch that is being written, or answered; its future says which. One task moves rows on
and ends when none waits, so an idle store costs nothing and a busy one writes larger batches by itself.

The group is stuck from the moment a batch has taken `PATIENCE_S` until that batch ends: then all rows in it and all
that wait are answered with `Unavailable`, and new ones at once. The batch may still be committed later, and its rows
may come again: the statement is idempotent by call id. A row is never answered as written before its commit was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from setaria.adapters.store.failures import PATIENCE_S, RowRefused, database_away
from setaria.core.clock import SystemClock
from setaria.core.errors import Unavailable
from setaria.domain.ledger.records import Outcome

T = TypeVar("T")

GATHER_S = 0.002
BUSY_ROWS = 6
"""Rows come fast when the last batch had so many."""
FULL_ROWS = 64
"""With so many rows there is nothing to wait for."""
GATHERS_TO_A_TRIAL = 16
"""After so many waits it is found out anew how many rows come."""

OnWritten = Callable[[int, float], None]


def note_nothing(_rows: int, _duration_s: float) -> None:
    """Take the news of a batch where nobody counts them."""


class GroupCommit(Generic[T]):
    """Writes rows through `commit`, which takes a whole batch or none of it.

    `commit` raises RowRefused when a row is at fault: the batch is split in halves until that row stands alone; it goes
    to `put_aside` with the reason, and the others are written. How many rows a batch had, and the seconds until it was
    written or could not be, are told to `on_written`.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Awaitable[None]],
        put_aside: Callable[[T, str], Awaitable[None]],
        on_written: OnWritten = note_nothing,
    ) -> None:
        self._commit = commit
        self._put_aside = put_aside
        self._on_written = on_written
        self._clock = SystemClock()  # the loop's own counts whole milliseconds
        self._being_written = self._last_rows = 0
        self._waiting: list[tuple[T, asyncio.Future[Outcome]]] = []
        self._task: asyncio.Task[None] | None = None
        self._is_stuck = False
        self._goal = FULL_ROWS  # with so many rows a batch waits no longer
        self._gathers = 0
        self._gathered: asyncio.Future[None] | None = None

    @property
    def queued(self) -> int:
        """Tell how many rows are not answered yet."""
        return len(self._waiting) + self._being_written

    def add(self, row: T) -> "asyncio.Future[Outcome]":
        """Take a row; the future is done when the row is durable.

        Raises: Unavailable, here or from the future.
        """
        if self._is_stuck:
            raise database_away()
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((row, future))
        if self._gathered is not None and len(self._waiting) >= self._goal:
            self._end_gathering()
        if self._task is None:
            # It starts when this turn of the loop is over, and so takes along every row that the turn brings. It must
            # not die with the caller who happened to be first; `close` waits for it.
            self._task = loop.create_task(self._drain())
        return future

    async def close(self) -> None:
        """Wait until all rows are answered, for `PATIENCE_S` at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=PATIENCE_S)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._last_rows >= BUSY_ROWS:
                    await self._gather()
                batch, self._waiting = self._waiting, []
                self._last_rows = len(batch)
                self._being_written, started_s = len(batch), self._clock.monotonic_s()
                deadline = loop.call_later(PATIENCE_S, self._give_up, batch)
                try:
                    await self._write(batch)
                finally:
                    deadline.cancel()
                    self._is_stuck = False
                    self._being_written = 0
                    self._on_written(len(batch), self._clock.monotonic_s() - started_s)
                    _fail(batch)  # changes nothing unless a defect ended the writing
        finally:
            self._task = None
            self._fail_waiting()

    async def _gather(self) -> None:
        """Wait for rows."""
        self._gathers += 1
        if self._gathers % GATHERS_TO_A_TRIAL == 0:
            self._goal = FULL_ROWS
        if len(self._waiting) < self._goal:
            loop = asyncio.get_running_loop()
            self._gathered = loop.create_future()
            timer = loop.call_later(GATHER_S, self._end_gathering)
            await self._gathered
            timer.cancel()
            self._goal = min(self._goal, len(self._waiting))

    def _end_gathering(self) -> None:
        gathered, self._gathered = self._gathered, None
        if gathered is not None:
            gathered.set_result(None)

    async def _write(self, batch: "list[tuple[T, asyncio.Future[Outcome]]]") -> None:
        try:
            await self._commit([row for row, _ in batch])
        except Unavailable as error:
            _fail(batch, error)
        except RowRefused as error:
            if len(batch) == 1:
                await self._refuse(batch, error)
                return
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])
        else:
            _answer(batch, "written")

    async def _refuse(self, batch: "list[tuple[T, asyncio.Future[Outcome]]]", refused: RowRefused) -> None:
        """Put the only row of a batch aside."""
        try:
            await self._put_aside(batch[0][0], str(refused))
        except (Unavailable, RowRefused) as error:
            _fail(batch, error)
        else:
            _answer(batch, "quarantined")

    def _give_up(self, batch: "list[tuple[T, asyncio.Future[Outcome]]]") -> None:
        self._is_stuck = True
        _fail(batch)
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        _fail(waiting)


def _answer(batch: "list[tuple[T, asyncio.Future[Outcome]]]", outcome: Outcome) -> None:
    for _, future in batch:
        if not future.done():
            future.set_result(outcome)


def _fail(batch: "list[tuple[T, asyncio.Future[Outcome]]]", cause: BaseException | None = None) -> None:
    for _, future in batch:
        if not future.done():
            error = database_away()
            error.__cause__ = cause.__cause__ if cause is not None else None
            future.set_exception(error)
