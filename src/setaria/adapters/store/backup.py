"""Backup: one SQLite file that holds a whole database, of either engine, as it was at one moment."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from setaria.adapters.store.address import is_sqlite, sqlite_path, url_from_sqlite_path
from setaria.adapters.store.failures import reason_from
from setaria.adapters.store.migrate import current_revision, is_known
from setaria.adapters.store.revision import HEAD
from setaria.adapters.store.sqlite.connection import is_damaged
from setaria.adapters.store.transfer import transfer
from setaria.core.errors import InvalidRequest, Misconfigured, Unavailable

_SIDE_FILES = ("-wal", "-shm")


def back_up(url: str, file: Path) -> None:
    """Write a backup while others go on working; it appears under its name when it is whole and on the disk.

    Raises: InvalidRequest when there is a file of this name already, Misconfigured when the database is damaged,
        Unavailable when the backup can't be written.
    """
    if file.exists():
        raise InvalidRequest(f"{file} is there already; name another file")
    part = file.with_name(f"{file.name}.part")
    with _mapped(file):
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        if is_sqlite(url):
            with _mapped(file), _damage_told():
                _copy_file(sqlite_path(url), part)
        else:
            transfer(url, url_from_sqlite_path(part))
        with _mapped(file):
            _make_single(part)
            part.rename(file)
    finally:
        _forget(part)


def check_backup(file: Path) -> str:
    """Make sure that a file is a whole backup which this program can read; gives the fingerprint of its secret.

    Raises: InvalidRequest, which says what is wrong with it.
    """
    if not file.is_file():
        raise InvalidRequest(f"there is no file {file}")
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            faults = connection.execute("PRAGMA integrity_check(1)").fetchall()
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            fingerprint = connection.execute("SELECT secret_fingerprint FROM installation").fetchone()
    except sqlite3.Error as error:
        raise InvalidRequest(f"{file} is no backup of Setaria: {error}") from error
    if faults != [("ok",)]:
        raise InvalidRequest(f"the backup {file} is damaged: {faults[0][0]}")
    if not is_known(revision[0] if revision else ""):
        raise InvalidRequest(f"the backup {file} was made by a newer version of Setaria; install that one first")
    return str(fingerprint[0]) if fingerprint and fingerprint[0] else ""


def restore(file: Path, url: str, put_aside: Path) -> None:
    """Put the content of a backup into a database; a SQLite file that was there, whole or not, is moved to `put_aside`.

    Order: no server may run on the database.
    Raises: InvalidRequest when a PostgreSQL database has accounts already; Unavailable when it can't be written.
    """
    if not is_sqlite(url):
        transfer(url_from_sqlite_path(file), url)
        return
    path = sqlite_path(url)
    part = path.with_name(f"{path.name}.restored")
    try:
        with _mapped(path):
            part.unlink(missing_ok=True)
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            _copy_file(file, part)
            _make_single(part)
            _put_aside(path, put_aside)
            part.rename(path)
    finally:
        _forget(part)


def needs_upgrade(url: str) -> str | None:
    """Tell the revision of tables that an earlier version of this program made; None for all others, or no tables."""
    if is_sqlite(url) and not sqlite_path(url).exists():
        return None
    revision = current_revision(url)
    return revision if revision != HEAD and is_known(revision) else None


def _copy_file(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as reading,
        contextlib.closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)


def _make_single(path: Path) -> None:
    """Bring a database into one file, and that onto the disk."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _put_aside(path: Path, target: Path) -> None:
    """Move a database away, into one file unless it is damaged; a log that lost its database goes, too."""
    if path.exists():
        try:
            _make_single(path)
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
    for name in (*_SIDE_FILES, ""):  # SQLite would play a log that stays into the file that comes
        side = path.with_name(f"{path.name}{name}")
        if side.exists():
            side.rename(target.with_name(f"{target.name}{name}"))


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_damaged(error):
            raise Misconfigured(f"the database file is damaged ({reason_from(error)}); restore a backup") from error
        raise


def _forget(part: Path) -> None:
    for name in ("", *_SIDE_FILES, ".lock"):
        part.with_name(f"{part.name}{name}").unlink(missing_ok=True)


@contextlib.contextmanager
def _mapped(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"cannot write {file}: {error}") from error
