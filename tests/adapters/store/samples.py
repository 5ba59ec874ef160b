"""Samples: accounts, keys and calls to be kept, and the store that a URL asks for."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.engine import Database
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.postgres.store import PostgresStore
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.core.ids import AccountId, CallId, KeyId, new_call_id
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Account, Key, Limits
from setaria.domain.ledger.records import CallRecord

AT_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
DAY_MS = 86_400_000
ACCOUNT = Account(AccountId("acct_1"), "default", "active", AT_MS, "", "postpaid", Limits(unlimited=True))
KEY = Key(KeyId("key_1"), ACCOUNT.id, "first", "payg", b"d" * 32, "ring1", "wxyz", AT_MS)


def make_call(at_ms: int = AT_MS, **changes: Any) -> CallRecord:  # also values of types that are wrong
    """Make a call with an id of its own."""
    call = CallRecord(
        id=new_call_id(at_ms),
        at_ms=at_ms,
        account_id=ACCOUNT.id,
        key_id=KEY.id,
        model="seedling",
        protocol="openai_chat",
        upstream="local",
        stream=True,
        status=200,
        ending="completed",
        counts_from="tokenizer",
        usage=Usage(19, 3, 1, 42, 7),
        charge_nano=12_345,
        first_token_ms=12,
        duration_ms=345,
        attempts=1,
    )
    return msgspec.structs.replace(call, **changes)


@contextlib.asynccontextmanager
async def opened(url: str, refused: list[CallId] | None = None) -> AsyncIterator[SqliteStore | PostgresStore]:
    """Open the data plane's store and close it again; ids of refused calls go to `refused`."""

    def note(call_id: CallId, reason: str) -> None:
        assert reason
        (refused if refused is not None else []).append(call_id)

    store = SqliteStore(sqlite_path(url), note) if is_sqlite(url) else PostgresStore(url, note)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def add_account_and_key(control: ControlStore) -> None:
    """Put the account and the key there that the sample calls name."""
    with control.begin() as books:
        books.add_account(ACCOUNT)
        books.add_key(KEY)


def kept_ids(url: str) -> set[str]:
    """Read the ids of all calls that the database holds."""
    with contextlib.closing(ControlStore(url)) as control, control.read() as books:
        return {row.call.id for row in books.list_calls(None, 100_000)}


def read_rows(url: str, sql: str) -> list[tuple[object, ...]]:
    """Ask the database anything."""
    with contextlib.closing(Database(url)) as database, database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def write_rows(url: str, *statements: str) -> None:
    """Do anything to the database."""
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def ids_of(calls: Iterable[CallRecord]) -> set[str]:
    """Give the ids of calls."""
    return {call.id for call in calls}
