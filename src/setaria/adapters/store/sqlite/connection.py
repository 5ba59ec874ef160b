"""Connection: a SQLite file, opened for durable writes, and its errors in our own words."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from setaria.adapters.store.failures import PATIENCE_S, RowRefused, database_away
from setaria.adapters.store.script import Say, Script
from setaria.core.errors import Unavailable

T = TypeVar("T")

_ROW_AT_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
)
_PRIMARY_CODE = 0xFF  # the rest says more than we ask


def is_damaged(error: BaseException | None) -> bool:
    """Tell whether SQLite says that a file is damaged, or no database at all."""
    code = getattr(error, "sqlite_errorcode", 0)  # errors of Python's own module have none
    return code & _PRIMARY_CODE in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_connection(path: Path) -> sqlite3.Connection:
    """Open a database file that exists; statements outside BEGIN and COMMIT commit by themselves.

    Raises: sqlite3.Error.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # a file that has gone is an error, not a new and empty database
        uri=True,
        timeout=PATIENCE_S,
        isolation_level=None,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def write_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the `with` block does, or roll it back when it fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def values_of(said: Say) -> dict[str, object]:
    """Give a statement's values as SQLite's driver takes them."""
    return {str(number): value for number, value in enumerate(said.values, start=1)}


def play(connection: sqlite3.Connection, script: Script[T]) -> T:
    """Play a script within a transaction."""
    try:
        said = next(script)
        while True:
            said = script.send(connection.execute(said.sql, values_of(said)).fetchall())
    except StopIteration as end:
        result: T = end.value
        return result


@contextlib.contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn every error of SQLite and of its files into RowRefused or Unavailable."""
    try:
        yield
    except _ROW_AT_FAULT as error:
        raise RowRefused(type(error).__name__) from error
    except (sqlite3.Error, OSError) as error:
        raise database_away() from error


class Connection:
    """A connection of one thread: opened when first used, and opened anew after an error.

    It keeps to the file that it found first: what is written into a file that was removed is lost, and one that was put
    in its place belongs to a server that starts with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @contextlib.contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Give the open connection.

        Raises: Unavailable, RowRefused.
        """
        try:
            with mapped_errors():
                self._find_file()
                if self._opened is None:
                    self._opened = open_connection(self._path)
                yield self._opened
        except Unavailable:
            self.close()
            raise

    def _find_file(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise FileNotFoundError(f"the file {self._path.name} is not there; restore it from a backup") from None
        if self._file is None:
            self._file = (found.st_dev, found.st_ino)
        if self._file != (found.st_dev, found.st_ino):
            raise FileNotFoundError("the database file was replaced while the server runs; restart the server")

    def close(self) -> None:
        """Close it, if it is open."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
