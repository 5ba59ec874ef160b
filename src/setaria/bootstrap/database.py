"""Database: upgrades, backs up, restores and moves the database of an installation."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from setaria.adapters.secrets.file import read_ring
from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.backup import back_up, check_backup, needs_upgrade, restore
from setaria.adapters.store.migrate import upgrade
from setaria.adapters.store.transfer import TableProof, transfer
from setaria.bootstrap.data_folder import make_data_folder
from setaria.bootstrap.missing_database import miss_no_database
from setaria.bootstrap.server_lock import take_server_lock
from setaria.config import Settings, resolve_database_url
from setaria.core.clock import Clock, SystemClock, iso_from_ms
from setaria.core.errors import InvalidRequest, Misconfigured

BACKUPS = "backups"


class Done(msgspec.Struct, frozen=True):
    """What was done: the database's revision before, and the file that the state of before is in; empty for none."""

    was: str
    backup: str


def upgrade_database(settings: Settings, clock: Clock) -> Done:
    """Bring the tables to this version of the program, after a backup.

    Raises: Misconfigured when a newer program made them, or a server runs; Unavailable.
    """
    miss_no_database(settings)
    with _server_stopped(settings):
        return bring_up_to_date(settings, clock)


def bring_up_to_date(settings: Settings, clock: Clock) -> Done:
    """Make the tables, or bring them to this version; those that were there are backed up first.

    Raises: Misconfigured when a newer program made them; Unavailable.
    """
    url = resolve_database_url(settings)
    was = needs_upgrade(url)
    file = None if was is None else _backup_file(settings, f"before-upgrade-from-{was}", clock)
    if file is not None:
        back_up(url, file)
    upgrade(url)
    return Done(was or "", "" if file is None else str(file))


def back_up_database(settings: Settings, file: Path | None, clock: Clock) -> Path:
    """Write a backup, into the data folder unless a file is named; servers may run meanwhile.

    Raises: InvalidRequest when the file is there already; Unavailable.
    """
    miss_no_database(settings)
    target = file or _backup_file(settings, "backup", clock)
    back_up(resolve_database_url(settings), target)
    return target


def restore_database(settings: Settings, file: Path, clock: Clock) -> Done:
    """Put a backup in the place of the database; what was there is kept beside the backups.

    Raises: InvalidRequest when the file is no good backup or belongs to another secret; Misconfigured when a server
        runs.
    """
    fingerprint = check_backup(file)
    secret_file = settings.server.secret_file
    if fingerprint and secret_file.exists() and read_ring(secret_file).fingerprint() != fingerprint:
        raise InvalidRequest(
            f"the backup was made with another server secret than {secret_file}; no key of it would work. Put the "
            "secret back that belongs to it, then restore again"
        )
    make_data_folder(settings.data)
    url = resolve_database_url(settings)
    put_aside = _backup_file(settings, "before-restore", clock)
    with _server_stopped(settings):
        had_one = is_sqlite(url) and sqlite_path(url).exists()
        restore(file, url, put_aside)
        upgrade(url)
    return Done("", str(put_aside) if had_one else "")


def move_database(settings: Settings, to: str, clock: Clock) -> list[TableProof]:
    """Copy everything into an empty PostgreSQL database; gives what each table holds, the same on both sides.

    Raises: InvalidRequest when the target is not PostgreSQL or has accounts; Misconfigured when a server runs.
    """
    if not to.startswith(("postgresql://", "postgres://")):
        raise InvalidRequest("a database can be moved to PostgreSQL only: --to postgresql://user:password@host/name")
    miss_no_database(settings)
    with _server_stopped(settings):
        bring_up_to_date(settings, clock)
        return transfer(resolve_database_url(settings), to)


def refuse_old_tables(url: str) -> None:
    """Make sure that a PostgreSQL database needs no upgrade, which other servers on it might not bear.

    Raises: Misconfigured.
    """
    was = needs_upgrade(url)
    if was is not None:
        raise Misconfigured(
            f"the database has tables of an earlier version (revision {was}); stop every server that uses it, then run "
            "`setaria db upgrade`, which makes a backup first"
        )


def _backup_file(settings: Settings, name: str, clock: Clock) -> Path:
    folder = settings.data / BACKUPS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = iso_from_ms(clock.now_ms()).translate(str.maketrans("", "", ":-."))
    return folder / f"setaria-{name}-{moment}.db"


@contextmanager
def _server_stopped(settings: Settings) -> Iterator[None]:
    make_data_folder(settings.data)
    lock = take_server_lock(settings.data, SystemClock())
    try:
        yield
    finally:
        os.close(lock)
