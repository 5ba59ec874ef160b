"""PostgreSQL store: what the data plane asks of a PostgreSQL server.

It holds two connections, one that writes and one that reads: a process more costs the server two more, however many
calls are in flight. asyncpg prepares each statement once a connection.
"""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec

from setaria.adapters.store.batches import GroupCommit, OnWritten, note_nothing
from setaria.adapters.store.callers import FIND_CALLER, NOTE_KEY_USE, caller_from_row
from setaria.adapters.store.columns import name_call_columns
from setaria.adapters.store.entries import READ_CATALOG, added_from_rows
from setaria.adapters.store.failures import RowRefused, database_away, reason_from
from setaria.adapters.store.postgres.line import Line, play
from setaria.adapters.store.script import POSTGRES, Rows, Say, Script
from setaria.adapters.store.settlement import OnRefused, Settlement, apply_debits, quarantine, settlement_of
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

_ARRAYS = {"stream": "boolean[]", "status": "integer[]", "attempts": "integer[]"} | dict.fromkeys(
    (
        "at_ms",
        "input_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "output_tokens",
        "reasoning_tokens",
        "audio_seconds",
        "searches",
        "charge_nano",
        "first_token_ms",
        "duration_ms",
        "charge_millicredits",
    ),
    "bigint[]",
)
_COLUMNS = name_call_columns()
_INSERT_CALLS = (  # made of the record's own names
    f"INSERT INTO calls ({', '.join(_COLUMNS)}) SELECT * FROM unnest("  # noqa: S608
    + ", ".join(f"${place}::{_ARRAYS.get(name, 'text[]')}" for place, name in enumerate(_COLUMNS, start=1))
    + ") ON CONFLICT (id) DO NOTHING RETURNING id"
)
_FIND_CALLER = f"{FIND_CALLER} $1"
_FIND_SUBSCRIPTION = f"{FIND_SUBSCRIPTION} $1"
_NOTE_KEY_USE = NOTE_KEY_USE.format("$1", "$2", "$3")
_READ_COUNTER = "SELECT counter FROM changes"
_TOUCH = "UPDATE changes SET counter = counter"
_TOUCH_CALLS = "LOCK TABLE calls IN ROW EXCLUSIVE MODE"  # what writing a call takes


class PostgresStore:
    """Implements the ports KeyDirectory, CatalogSource, TariffSource and Ledger, and plays scripts.

    Takes: url, as `postgresql://user:password@host/name`; on_refused, told of a call that the database does not take,
    and why; on_written, told the rows and the seconds of each batch.
    Order: `open` first, `close` last, both in the event loop that uses it.
    """

    dialect = POSTGRES

    def __init__(self, url: str, on_refused: OnRefused, on_written: OnWritten = note_nothing) -> None:
        self._writing = Line(url)
        self._reading = Line(url)
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
        if wrong := await self.check():
            await self.close()
            raise Unavailable(f"cannot use the PostgreSQL database: {wrong}")

    async def close(self) -> None:
        """Finish what is being written, and close the connections."""
        await self._batches.close()
        await self._writing.close()
        await self._reading.close()

    def record(self, call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> Awaitable[Outcome]:
        """Write one call with what it takes; done when it is durable. The same call id again changes nothing.

        Raises: Unavailable, here or from the future, when it could not be written.
        """
        return self._batches.add(settlement_of(call, debits, oddity))

    async def play(self, script: Script[T]) -> T:
        """Play a script as one transaction.

        Raises: Unavailable, also when it may have been done; RowRefused.
        """
        async with self._writing.use() as connection, connection.transaction():
            return await play(connection, script)

    async def ask(self, question: Say) -> Rows:
        """Ask one question, whatever is being written meanwhile.

        Raises: Unavailable.
        """
        async with self._reading.use() as connection:
            return [tuple(row) for row in await connection.fetch(question.sql, *question.values)]

    async def find_caller(self, digest: bytes) -> Caller | None:
        """Find whose unrevoked key has this digest; None when nobody's.

        Raises: Unavailable when the store can't be read.
        """
        async with self._reading.use() as connection:
            row = await connection.fetchrow(_FIND_CALLER, digest)
        return None if row is None else caller_from_row(row)

    async def note_key_uses(self, uses: Sequence[KeyUse]) -> None:
        """Write when keys were last used, unless a later use is known.

        Raises: Unavailable when it could not be written.
        """
        async with self._writing.use() as connection, connection.transaction():
            await connection.executemany(_NOTE_KEY_USE, list(map(msgspec.structs.astuple, uses)))

    async def read_change_counter(self) -> int:
        """Read how many changes there were that end what workers have cached.

        Raises: Unavailable when the store can't be read.
        """
        async with self._reading.use() as connection:
            counter: int | None = await connection.fetchval(_READ_COUNTER)
        if counter is None:
            raise database_away()
        return counter

    async def read_catalog(self) -> Added:
        """Read the upstreams and models that commands have added, as they are at one moment.

        Raises: Unavailable when the store can't be read.
        """
        async with self._reading.use() as connection:
            return added_from_rows(await connection.fetch(READ_CATALOG))

    async def read_tariffs(self) -> PriceList:
        """Read all prices and rates as they are at one moment.

        Raises: Unavailable when the store can't be read.
        """
        async with self._reading.use() as connection:
            return price_list_from_rows(await connection.fetch(READ_TARIFFS))

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        """Find a subscription by its id; None when there is none.

        Raises: Unavailable when the store can't be read.
        """
        async with self._reading.use() as connection:
            row = await connection.fetchrow(_FIND_SUBSCRIPTION, subscription_id)
        return None if row is None else subscription_from_row(row)

    async def check(self) -> str:
        """Commit a write that changes nothing and read; tell what is wrong, or nothing when all is well."""
        try:
            async with self._writing.use() as connection, connection.transaction():
                await connection.execute(_TOUCH)
                await connection.execute(_TOUCH_CALLS)
            await self.read_change_counter()
        except (Unavailable, RowRefused) as error:
            return reason_from(error)
        return ""

    async def _commit(self, settlements: Sequence[Settlement]) -> None:
        columns = zip(*(each.values for each in settlements), strict=True)
        async with self._writing.use() as connection, connection.transaction():
            by_id = {
                str(each.call.id): each for each in reversed(settlements)
            }  # of the same call the first is inserted
            new = [by_id[row[0]] for row in await connection.fetch(_INSERT_CALLS, *columns)]
            await play(connection, apply_debits(POSTGRES, new))
            await play(connection, quarantine(new))

    async def _put_aside(self, settlement: Settlement, reason: str) -> None:
        await self.play(quarantine([settlement], reason))
        self._on_refused(settlement.call.id, reason)
