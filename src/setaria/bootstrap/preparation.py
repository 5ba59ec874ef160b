"""Preparation: brings data folder, secrets and database to where the server can start."""

from setaria.adapters.secrets.file import read_ring
from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.installed import is_installed
from setaria.bootstrap.data_folder import make_data_folder
from setaria.bootstrap.first_key import keep_first_key
from setaria.bootstrap.missing_database import miss_no_database
from setaria.bootstrap.tracing import need_tracing
from setaria.config import Settings, resolve_database_url
from setaria.core.clock import SystemClock


def prepare(settings: Settings) -> str | None:
    """Make the installation ready to serve.

    Gives: the text of the first key if this start made it; it is kept in its file until it was shown.
    Raises: Misconfigured, Unavailable, OwnError; the message says how to mend it.
    Cost: 3 ms when there is nothing to do on SQLite; else SQLAlchemy is loaded.
    """
    need_tracing(settings)
    make_data_folder(settings.data)
    miss_no_database(settings)
    return None if _is_ready(settings) else _set_up(settings)


def _is_ready(settings: Settings) -> bool:
    url, secret_file = resolve_database_url(settings), settings.server.secret_file
    if not is_sqlite(url) or not secret_file.exists():
        return False
    return is_installed(sqlite_path(url), read_ring(secret_file).fingerprint())


def _set_up(settings: Settings) -> str | None:
    from setaria.bootstrap.dead_workers import give_up_dead_workers
    from setaria.bootstrap.installation import open_installation
    from setaria.bootstrap.record_books import make_books
    from setaria.domain.catalog.added import Fixed
    from setaria.management.installation import set_up_installation

    clock = SystemClock()
    with open_installation(settings, clock) as (store, ring):
        give_up_dead_workers(settings, store)
        with store.begin() as book:
            first_key = set_up_installation(make_books(book, Fixed(), clock, ring))
            if first_key is not None:
                keep_first_key(settings, first_key)  # before it counts: a key that nobody knows would be lost for good
    return first_key
