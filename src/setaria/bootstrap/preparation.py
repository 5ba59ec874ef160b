"""Preparation: brings data folder, secrets and database to where every command and the server can work with them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from setaria.adapters.secrets.file import create_ring, read_ring
from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.revision import is_current
from setaria.config import Settings, resolve_database_url
from setaria.core.clock import Clock, SystemClock
from setaria.core.errors import Misconfigured
from setaria.core.secrets import SecretRing
from setaria.management.installation import add_default_account, set_up_installation


def prepare(settings: Settings) -> str | None:
    """Make the installation ready to serve.

    Gives: the text of the first key if this start made it; it can't be had again.
    Raises: Misconfigured, Unavailable, OwnError; the message says how to mend it.
    """
    clock = SystemClock()
    with open_installation(settings, clock) as (store, ring), store.begin() as book:
        return set_up_installation(book, clock, ring)


@contextmanager
def open_installation(settings: Settings, clock: Clock) -> Iterator[tuple[ControlStore, SecretRing]]:
    """Open the control store and the secret ring, making what is missing: folder, tables, secret, default account.

    Raises: as `prepare` does.
    """
    make_data_folder(settings.data)
    url = resolve_database_url(settings)
    if not is_sqlite(url) or not is_current(sqlite_path(url)):
        from setaria.adapters.store.migrate import upgrade

        upgrade(url)
    with closing(ControlStore(url)) as store:
        ring = _open_ring(settings.server.secret_file, store)
        store.ensure_installation(ring.fingerprint(), clock.now_ms())
        with store.read() as book:
            is_new = not book.list_accounts()
        if is_new:
            with store.begin() as book:
                add_default_account(book, clock)
        yield store, ring


def make_data_folder(folder: Path) -> None:
    """Make the data folder, closed to other users, unless it is there.

    Raises: Misconfigured when it can't be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the data folder {folder} can't be made: {error.strerror}; name another one with --data or SETARIA_DATA"
        ) from None


def _open_ring(file: Path, store: ControlStore) -> SecretRing:
    if file.exists():
        return read_ring(file)
    with store.read() as book:
        if book.list_accounts():
            raise Misconfigured(
                f"the secret file {file} is missing, but the database was made with one; put it back from a backup"
            )
    return create_ring(file)
