"""Dead workers: gives up workers that a server left on the books, which was killed and not started again since."""

import os

from setaria.adapters.store.address import is_sqlite
from setaria.adapters.store.control.store import ControlStore
from setaria.bootstrap.server_lock import try_server_lock
from setaria.config import Settings, resolve_database_url


def give_up_dead_workers(settings: Settings, store: ControlStore) -> None:
    """Put what the workers of a SQLite file hold back, if no server runs on its folder.

    The lock proves that they are dead. A PostgreSQL database has servers of which this folder knows nothing: there a
    worker is given up when it was not seen for a minute, by the others or by the action that waits for its leases.
    Raises: Unavailable, InternalError; Misconfigured when the lock can't be opened.
    """
    if not is_sqlite(resolve_database_url(settings)):
        return
    lock = try_server_lock(settings.data)
    if lock is None:
        return
    try:
        with store.begin() as book:
            book.sweep_all()
    finally:
        os.close(lock)
