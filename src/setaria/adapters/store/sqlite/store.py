"""SQLite store: what the data plane asks of a SQLite file.

Two threads serve it, one that writes and one that reads, each with its own connection; the event loop never waits for
the disk. What a thread is asked is answered within `PATIENCE_S`, or the database counts as away.
"""

import asyncio
import functools
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from setaria.adapters.store.batches import GroupCommit, OnWritten, note_nothing
from setaria.adapters.store.callers import FIND_CALLER, NOTE_KEY_USE, caller_from_row
from setaria.adapters.store.columns import name_call_columns
from setaria.adapters.store.entries import READ_CATALOG, added_from_rows
from setaria.adapters.store.failures import PATIENCE_S, RowRefused, database_away, reason_from
from setaria.adapters.store.script import SQLITE, Rows, Say, Script
from setaria.adapters.store.settlement import OnRefused, Settlement, apply_debits, quarantine, settlement_of
from setaria.adapters.store.sqlite.connection import Connection, is_damaged, play, values_of, write_transaction
from setaria.adapters.store.sqlite.lane import Lane
from setaria.adapters.store.sqlite.lock import FileLock
from setaria.adapters.store.subscription_rows import FIND_SUBSCRIPTION, subscription_from_row
from setaria.adapters.store.tariffs import READ_TARIFFS, price_list_from_rows
from setaria.core.errors import Unavailable
from setaria.domain.accounts.records import Caller, KeyUse
from setaria.domain.catalog.added import Added
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord, Outcome
from setaria.domain.ledger.tariff import PriceList
from setaria.domain.plans.subscriptions import Subscription

T = TypeVar("T")

# By position and not by name, as executemany does 20 names at twice the cost.
_COLUMNS = name_call_columns()
_ROW = f"({', '.join('?' * len(_COLUMNS))})"
_INSERT_CALLS = {  # made of the record's own names
    rows: f"INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES {', '.join([_ROW] * rows)} "  # noqa: S608
    "ON CONFLICT (id) DO NOTHING"
    for rows in (64, 32, 16, 8, 4, 2, 1)
}
_FIND_CALLER = f"{FIND_CALLER} :digest"
_FIND_SUBSCRIPTION = f"{FIND_SUBSCRIPTION} :id"
_NOTE_KEY_USE = NOTE_KEY_USE.format(":account_id", ":key_id", ":at_ms")
_READ_COUNTER = "SELECT counter FROM changes"
_TOUCH = "UPDATE changes SET counter = counter"
_TOUCH_CALLS = "SELECT id FROM calls LIMIT 1"
_LEAST_FREE_BYTES = 8 * 1024 * 1024


class SqliteStore:
    """Implements the ports KeyDirectory, CatalogSource, TariffSource and Ledger, and plays scripts.

    Takes: path of the database file; on_refused, told of a call that the database does not take, and why;
    on_written, told the rows and the seconds of each batch.
    Order: `open` first, `close` last, both in the event loop that uses it.
    """

    dialect = SQLITE

    def __init__(self, path: Path, on_refused: OnRefused, on_written: OnWritten = note_nothing) -> None:
        self._path = path
        self._lock = FileLock(path)
        self._writing = Connection(path)
        self._reading = Connection(path)
        self._writer = Lane("store-writer")
        self._reader = Lane("store-reader")
        self._on_refused = on_refused
        self._batches = GroupCommit(self._commit, self._put_aside, on_written)

    @property
    def queued(self) -> int:
        """Tell how many calls wait to be durable."""
        return self._batches.queued

    async def open(self) -> None:
        """Make sure that the database can be read and written.

        Raises: Unavailable, which tells the operator what is wrong.
        """
        if wrong := await self._try(self._touch):
            await self.close()
            raise Unavailable(f"cannot use the database {self._path}: {wrong}")

    async def close(self) -> None:
        """Finish what is being written, and close the file."""
        await self._batches.close()
        closed = [self._writer.run(self._writing.close), self._reader.run(self._reading.close)]
        self._writer.end()
        self._reader.end()
        await asyncio.wait(closed, timeout=PATIENCE_S)

    def record(self, call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> "asyncio.Future[Outcome]":
        """Write one call with what it takes; done when it is durable. The same call id again changes nothing.

        Raises: Unavailable, here or from the future, when it could not be written.
        Cost: 15 us of CPU in batches of 64, 30 us in batches of 16, two thirds of it SQLite and the kernel.
        """
        return self._batches.add(settlement_of(call, debits, oddity))

    async def play(self, script: Script[T]) -> T:
        """Play a script as one transaction.

        Raises: Unavailable, also when it may have been done or may still be; RowRefused.
        """
        return await self._ask(self._writer, functools.partial(self._play, script))

    async def ask(self, question: Say) -> Rows:
        """Ask one question, whatever is being written meanwhile.

        Raises: Unavailable.
        """
        return await self._ask(self._reader, lambda: self._read(question.sql, values_of(question)))

    async def find_caller(self, digest: bytes) -> Caller | None:
        """Find whose unrevoked key has this digest; None when nobody's.

        Raises: Unavailable when the store can't be read.
        """
        rows = await self._ask(self._reader, lambda: self._read(_FIND_CALLER, {"digest": digest}))
        return caller_from_row(rows[0]) if rows else None

    async def note_key_uses(self, uses: Sequence[KeyUse]) -> None:
        """Write when keys were last used, unless a later use is known.

        Raises: Unavailable when it could not be written.
        """
        await self._ask(self._writer, functools.partial(self._note_key_uses, uses))

    async def read_change_counter(self) -> int:
        """Read how many changes there were that end what workers have cached.

        Raises: Unavailable when the store can't be read.
        """
        rows = await self._ask(self._reader, lambda: self._read(_READ_COUNTER, {}))
        if not rows:
            raise database_away()
        return int(rows[0][0])

    async def read_catalog(self) -> Added:
        """Read the upstreams and models that commands have added, as they are at one moment.

        Raises: Unavailable when the store can't be read.
        """
        return added_from_rows(await self._ask(self._reader, lambda: self._read(READ_CATALOG, {})))

    async def read_tariffs(self) -> PriceList:
        """Read all prices and rates as they are at one moment.

        Raises: Unavailable when the store can't be read.
        """
        return price_list_from_rows(await self._ask(self._reader, lambda: self._read(READ_TARIFFS, {})))

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        """Find a subscription by its id; None when there is none.

        Raises: Unavailable when the store can't be read.
        """
        rows = await self._ask(self._reader, lambda: self._read(_FIND_SUBSCRIPTION, {"id": subscription_id}))
        return subscription_from_row(rows[0]) if rows else None

    async def check(self) -> str:
        """Commit a write that changes nothing and read; tell what is wrong, or nothing when all is well.

        A disk that is nearly full is wrong while there still is room for the calls under way.
        """
        return await self._try(self._touch, self._need_space)

    async def _try(self, *jobs: Callable[[], None]) -> str:
        """Do what the writer is to do, and read; tell what is wrong."""
        try:
            for job in jobs:
                await self._ask(self._writer, job)
            await self.read_change_counter()
        except (Unavailable, RowRefused) as error:
            hint = "; the file is damaged: restore a backup" if is_damaged(error.__cause__) else ""
            return f"{reason_from(error)}{hint}"
        return ""

    async def _commit(self, settlements: Sequence[Settlement]) -> None:
        await self._writer.run(functools.partial(self._settle, settlements))

    async def _put_aside(self, settlement: Settlement, reason: str) -> None:
        await self.play(quarantine([settlement], reason))
        self._on_refused(settlement.call.id, reason)

    async def _ask(self, lane: Lane, question: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await lane.run(question)
        except TimeoutError as error:
            raise database_away() from error

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        with self._writing.use() as connection, self._lock.held(PATIENCE_S), write_transaction(connection):
            new = settlements
            if _insert(connection, settlements) != len(settlements):  # some were there already: find out which
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                new = [each for each in settlements if _insert(connection, (each,))]
            play(connection, apply_debits(SQLITE, new))
            play(connection, quarantine(new))

    def _play(self, script: Script[T]) -> T:
        with self._writing.use() as connection, self._lock.held(PATIENCE_S), write_transaction(connection):
            return play(connection, script)

    def _note_key_uses(self, uses: Sequence[KeyUse]) -> None:
        with self._writing.use() as connection, self._lock.held(PATIENCE_S), write_transaction(connection):
            connection.executemany(_NOTE_KEY_USE, map(msgspec.structs.asdict, uses))

    def _touch(self) -> None:
        with self._writing.use() as connection, self._lock.held(PATIENCE_S), write_transaction(connection):
            connection.execute(_TOUCH)
            connection.execute(_TOUCH_CALLS)

    def _need_space(self) -> None:
        with self._writing.use():
            found = os.statvfs(self._path.parent)
            free_bytes = found.f_bavail * found.f_frsize
            if free_bytes < _LEAST_FREE_BYTES:
                raise OSError(f"only {free_bytes // 1024} KB are free on the disk of {self._path.parent}; free some")

    def _read(self, sql: str, values: dict[str, object]) -> list[tuple[Any, ...]]:  # what SQL gives has no types
        with self._reading.use() as connection:
            return connection.execute(sql, values).fetchall()


def _insert(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> int:
    """Insert the rows of calls; gives how many were not there already.

    Each statement gives up the interpreter's lock, for which the event loop waits, and has to get it back: so many rows
    go into one, in a few sizes, which the driver keeps prepared.
    """
    inserted = at = 0
    for rows, statement in _INSERT_CALLS.items():
        while len(settlements) - at >= rows:
            values = [value for each in settlements[at : at + rows] for value in each.values]
            inserted += connection.execute(statement, values).rowcount
            at += rows
    return inserted
