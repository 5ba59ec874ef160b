"""Engine: transactions on either engine, and the engines' errors in our own words."""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, exc, make_url

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.failures import PATIENCE_S, reason_from
from setaria.adapters.store.sqlite.connection import is_damaged, open_connection
from setaria.adapters.store.sqlite.lock import FileLock
from setaria.core.errors import InternalError, InvalidRequest, Misconfigured, Unavailable

_CONNECT_TIMEOUT_S = 5
_NAME_TAKEN = ("accounts.name", "uq_accounts_name")  # as SQLite and as PostgreSQL say it


class Database:
    """One database; a SQLite file must exist.

    Takes: url, as `sqlite:////absolute/path` or `postgresql://user:password@host/name`.
    """

    def __init__(self, url: str) -> None:
        self._lock = FileLock(sqlite_path(url)) if is_sqlite(url) else None
        self._engine = _sqlite_engine(sqlite_path(url)) if is_sqlite(url) else _postgres_engine(url)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Commit what the `with` block does, or roll it back when it fails; on SQLite nobody else writes meanwhile.

        Raises: Unavailable, InvalidRequest when an account's name is taken, Misconfigured when the file is damaged,
        InternalError.
        """
        with self._alone(), mapped_errors(), self._engine.connect() as connection, connection.begin():
            if self._lock is not None:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Show one state of the database throughout the `with` block, and keep nobody from writing.

        Raises: Unavailable, Misconfigured when the file is damaged, InternalError.
        """
        with mapped_errors(), self._engine.connect() as connection:
            if self._lock is None:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                if self._lock is not None:
                    connection.exec_driver_sql("PRAGMA query_only = ON")  # as long as this connection lives
                    connection.exec_driver_sql("BEGIN")
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self._lock is not None:
                try:
                    stack.enter_context(self._lock.held(PATIENCE_S))
                except OSError as error:
                    raise _away(error) from error
            yield


@contextlib.contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn every error of SQLAlchemy into one of ours."""
    try:
        yield
    except exc.IntegrityError as error:
        if any(words in str(error.orig) for words in _NAME_TAKEN):
            raise InvalidRequest("an account of this name exists already; choose another name", param="name") from error
        raise InternalError("the database refused a row that contradicts others") from error
    except (exc.DataError, OverflowError, UnicodeEncodeError) as error:
        raise InvalidRequest(
            "a text or number given can't be kept in the database; leave out odd characters"
        ) from error
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise _away(error) from error
    except exc.SQLAlchemyError as error:
        if isinstance(error, exc.DBAPIError) and is_damaged(error.orig):
            reason = reason_from(error.orig or error)
            raise Misconfigured(f"the database file is damaged ({reason}); restore a backup") from error
        raise InternalError(f"the database did not understand a statement: {type(error).__name__}") from error


def create_sqlite_file(path: Path) -> None:
    """Make an empty file that only this user may read, unless it is there.

    Raises: Unavailable, which says how to mend it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Unavailable(
            f"cannot write the database {path}: {error.strerror}; its folder must exist and belong to this user"
        ) from error


def _away(error: Exception) -> Unavailable:
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return Unavailable(f"cannot use the database: {reason_from(cause)}", retry_after_s=round(PATIENCE_S))


def _sqlite_engine(path: Path) -> Engine:
    # The connections are those of the hot path; they leave BEGIN to us, which SQLAlchemy's own would not.
    return create_engine("sqlite://", creator=functools.partial(open_connection, path), poolclass=NullPool)


def _postgres_engine(url: str) -> Engine:
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
    except (exc.ArgumentError, ValueError) as error:
        raise Unavailable(
            "cannot read the database's URL; it must look like postgresql://user:password@host/name"
        ) from error
    return create_engine(
        address,
        pool_size=1,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "application_name": "setaria",
            "options": f"-c lock_timeout={round(PATIENCE_S * 1000)}",
        },
    )
