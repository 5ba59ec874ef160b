"""Installation: opens what people's actions work on, and makes what is missing of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from setaria.adapters.secrets.file import create_ring, read_ring
from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.revision import is_current
from setaria.bootstrap.data_folder import make_data_folder
from setaria.bootstrap.record_books import make_books
from setaria.config import Settings, resolve_database_url
from setaria.core.clock import Clock
from setaria.core.errors import Misconfigured
from setaria.core.secrets import SecretRing
from setaria.domain.catalog.added import Fixed
from setaria.management.installation import add_default_account


@contextmanager
def open_installation(settings: Settings, clock: Clock) -> Iterator[tuple[ControlStore, SecretRing]]:
    """Open the control store and the secret ring, making what is missing: folder, tables, secret, default account.

    A SQLite file that an earlier version made is backed up and upgraded; PostgreSQL waits for `setaria db upgrade`.
    Raises: Misconfigured, Unavailable, OwnError; the message says how to mend it.
    """
    make_data_folder(settings.data)
    url = resolve_database_url(settings)
    if not is_sqlite(url) or not is_current(sqlite_path(url)):
        from setaria.bootstrap.database import bring_up_to_date, refuse_old_tables

        if not is_sqlite(url):
            refuse_old_tables(url)
        bring_up_to_date(settings, clock)
    with closing(ControlStore(url)) as store:
        ring = _open_ring(settings.server.secret_file, store)
        store.ensure_installation(ring.fingerprint(), clock.now_ms())
        with store.read() as book:
            is_new = not book.list_accounts()
        if is_new:
            with store.begin() as book:
                add_default_account(make_books(book, Fixed(), clock, ring))
        yield store, ring


def miss_no_secret(file: Path, store: ControlStore) -> None:
    """Make sure that a database which has accounts still has its secret.

    Raises: Misconfigured: a new secret is never put in the place of one that keys depend on.
    """
    if file.exists():
        return
    with store.read() as book:
        if book.list_accounts():
            raise Misconfigured(
                f"the secret file {file} is missing, but the database was made with one; put it back from a backup"
            )


def _open_ring(file: Path, store: ControlStore) -> SecretRing:
    miss_no_secret(file, store)
    return read_ring(file) if file.exists() else create_ring(file)
