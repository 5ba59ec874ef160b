"""Databases: the two engines as a stress run needs them: made ready, away for a while, and asked at the end."""

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from setaria.adapters.store.address import url_from_sqlite_path
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import upgrade
from setaria.domain.ledger.proof import prove
from tests.postgres import PostgresServer

Rows = list[tuple[Any, ...]]  # what SQL gives has no types


class Database(Protocol):
    """One of both; `url` is what stands in the configuration, `trouble` what is done to it."""

    name: str
    url: str
    trouble: str

    def be_away(self, seconds: float) -> None:
        """Answer nobody for so long."""
        ...

    def ask(self, sql: str) -> Rows:
        """Ask for something."""
        ...

    def count_faults(self) -> int:
        """Count what contradicts the rules of the books."""
        ...


class SqliteFile:
    """A file that is locked."""

    name = "SQLite"
    url = "sqlite"
    trouble = "locked"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "setaria.db"

    def be_away(self, seconds: float) -> None:
        with contextlib.closing(sqlite3.connect(self._file, isolation_level=None, timeout=10)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    def ask(self, sql: str) -> Rows:
        with contextlib.closing(sqlite3.connect(self._file)) as connection:
            return connection.execute(sql).fetchall()

    def count_faults(self) -> int:
        return _count_faults(url_from_sqlite_path(self._file))


class PostgresDatabase:
    """A server of the run's own, which is stopped as by a crash."""

    name = "PostgreSQL"
    trouble = "stopped"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.create_database()
        upgrade(self.url)

    def be_away(self, seconds: float) -> None:
        self._server.stop()
        time.sleep(seconds)
        self._server.start()

    def ask(self, sql: str) -> Rows:
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql.encode()).fetchall()

    def count_faults(self) -> int:
        return _count_faults(self.url)


def _count_faults(url: str) -> int:
    with contextlib.closing(ControlStore(url)) as control, control.read() as books:
        return len(prove(books.read_books()).faults)


def sqlite_in(folder: Path) -> AbstractContextManager[Database]:
    """Give the file of a data folder."""
    return contextlib.nullcontext(SqliteFile(folder))


@contextlib.contextmanager
def postgres_server() -> Iterator[Database]:
    """Run a server, and end it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="setaria-stress-", dir="/tmp"))
    server = PostgresServer(folder)
    try:
        server.create()
        server.start()
        yield PostgresDatabase(server)
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
