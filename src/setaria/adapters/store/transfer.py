"""Transfer: copies everything of one database into another, of either engine, and proves that nothing is missing."""

import contextlib
from typing import Any

import msgspec
from sqlalchemy import Connection, Integer, LargeBinary, MetaData, Table, func, insert, select

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.engine import Database, create_sqlite_file
from setaria.adapters.store.migrate import current_revision, upgrade
from setaria.core.errors import InternalError, InvalidRequest, Misconfigured

_SLICE_ROWS = 2_000
_OWN_TABLE = "alembic_version"
_PART_OF_CALLS = "calls_"  # how the names of its parts begin; `calls` is copied whole
_BEGUN_WITH_A_ROW = ("changes", "installation")


class TableProof(msgspec.Struct, frozen=True):
    """What a table holds: its rows, and the sum of each column of numbers."""

    id: str
    rows: int
    sums: dict[str, int]


def transfer(source_url: str, target_url: str) -> list[TableProof]:
    """Copy every row into a database that has no accounts yet; where it has no tables it gets those of the source.

    All is done in one transaction of each side: the source as it is at one moment, the target whole or not at all.
    Gives: what each table holds, the same on both sides.
    Raises: Misconfigured when the source has no tables; InvalidRequest when the target is in use; Unavailable.
    """
    revision = current_revision(source_url)
    if revision is None:
        raise Misconfigured("there is nothing to copy: the database has no tables of Setaria")
    if is_sqlite(target_url):
        create_sqlite_file(sqlite_path(target_url))
    if current_revision(target_url) is None:
        upgrade(target_url, revision)
    with (
        contextlib.closing(Database(source_url)) as source,
        contextlib.closing(Database(target_url)) as target,
        source.read() as reading,
        target.write() as writing,
    ):
        tables = read_tables(reading)
        _refuse_used(writing)
        for table in tables:
            _copy(reading, writing, table)
        proofs = [prove(reading, table) for table in tables]
        for proof, table in zip(proofs, tables, strict=True):
            if prove(writing, table) != proof:
                raise InternalError(f"the copy of the table {table.name} is not what was read; nothing was kept")
    return proofs


def read_tables(connection: Connection) -> list[Table]:
    """Give the tables that a database has, whatever version of the program made them, referred ones first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if not table.name.startswith((_OWN_TABLE, _PART_OF_CALLS))]


def prove(connection: Connection, table: Table) -> TableProof:
    """Count and sum what a table holds."""
    numbers = [column for column in table.columns if isinstance(column.type, Integer)]
    row = connection.execute(
        select(func.count(), *(func.coalesce(func.sum(column), 0) for column in numbers)).select_from(table)
    ).one()
    sums = {str(column.name): int(value) for column, value in zip(numbers, row[1:], strict=True)}
    return TableProof(str(table.name), int(row[0]), sums)


def _refuse_used(connection: Connection) -> None:
    accounts = next(table for table in read_tables(connection) if table.name == "accounts")
    if connection.execute(select(func.count()).select_from(accounts)).scalar_one():
        raise InvalidRequest("the database to copy into has accounts already; name an empty one")


def _copy(reading: Connection, writing: Connection, table: Table) -> None:
    if table.name in _BEGUN_WITH_A_ROW:
        writing.execute(table.delete())
    rows = reading.execution_options(yield_per=_SLICE_ROWS).execute(select(table))
    for part in rows.partitions():
        writing.execute(insert(table), [_plain(table, row._asdict()) for row in part])


def _plain(table: Table, values: dict[str, Any]) -> dict[str, Any]:  # what SQL gives has no types
    """Give bytes as both engines take them."""
    for column in table.columns:
        if isinstance(column.type, LargeBinary) and values[column.name] is not None:
            values[column.name] = bytes(values[column.name])
    return values
