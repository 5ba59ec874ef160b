"""Connection: a SQLite file, opened for durable writes, and its errors in our own words."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from setaria.adapters.store.failures import PATIENCE_S, RowRefused, database_away
from setaria.core.errors import Unavailable

_ROW_AT_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
)


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
    """A connection of one thread: opened when first used, and opened anew after an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Give the open connection.

        Raises: Unavailable, RowRefused.
        """
        try:
            with mapped_errors():
                if self._opened is None:
                    self._opened = open_connection(self._path)
                yield self._opened
        except Unavailable:
            self.close()
            raise

    def close(self) -> None:
        """Close it, if it is open."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
