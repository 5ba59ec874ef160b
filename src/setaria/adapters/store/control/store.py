"""Control store: the transactions in which people manage accounts, keys, upstreams and models, and look at calls."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import func, select, update

from setaria.adapters.store.control.accounts import AccountTable
from setaria.adapters.store.control.alerts import AlertTable
from setaria.adapters.store.control.calls import CallTable
from setaria.adapters.store.control.catalog import CatalogTable
from setaria.adapters.store.control.codes import CodeTable
from setaria.adapters.store.control.engine import Database
from setaria.adapters.store.control.keys import KeyTable
from setaria.adapters.store.control.over import OverTable
from setaria.adapters.store.control.proof import ProofTable
from setaria.adapters.store.control.purses import PurseTable
from setaria.adapters.store.control.retention import RetentionTable
from setaria.adapters.store.control.subscriptions import SubscriptionTable
from setaria.adapters.store.control.tariffs import TariffTable
from setaria.adapters.store.schema import installation
from setaria.core.errors import Misconfigured

_TURN_NUMBER = 0x5E7A61B  # of PostgreSQL's advisory locks, which are known by number; any number of our own does

_TURN_PATIENCE_MS = 10_000


class People(AccountTable, KeyTable, PurseTable, OverTable, CodeTable):
    """Implements the ports of the books of accounts and their money."""


class Books(People, CallTable, CatalogTable, TariffTable, SubscriptionTable, AlertTable, ProofTable, RetentionTable):
    """Implements the ports of all books in one transaction."""


class ControlStore:
    """The control plane's side of the database; it blocks, so no event loop may call it.

    Takes: url, as `sqlite:////absolute/path` or `postgresql://user:password@host/name`.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Books]:
        """Open a transaction that commits when the `with` block ends and rolls back when it fails.

        Only one is open at a time, whoever opens it, so what an action has read of the books of people (not of what
        calls write) stays true until it ends. It must be short: to look at calls take `read`.
        Raises: Unavailable, InvalidRequest when an account's name is taken, InternalError.
        """
        with self._database.write() as connection:
            if connection.dialect.name == "postgresql":  # a SQLite file has one writer anyway
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_TURN_PATIENCE_MS}")
                connection.execute(select(func.pg_advisory_xact_lock(_TURN_NUMBER)))
            yield Books(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[Books]:
        """Open a transaction that sees one state of the database; nothing is to be changed in it.

        Raises: Unavailable, InternalError.
        """
        with self._database.read() as connection:
            yield Books(connection)

    def ensure_installation(self, fingerprint: str, created_at_ms: int) -> None:
        """Keep the fingerprint of the server secret at the first start, and make sure of it at every other.

        Raises: Misconfigured when the database belongs to another secret.
        """
        with self._database.write() as connection:
            connection.execute(
                update(installation)
                .where(installation.c.secret_fingerprint.is_(None))
                .values(secret_fingerprint=fingerprint, created_at_ms=created_at_ms)
            )
            kept = connection.execute(select(installation.c.secret_fingerprint)).scalar_one()
        _refuse_another_secret(kept, fingerprint)

    def check_secret(self, fingerprint: str) -> None:
        """Make sure of the same without a change; a database that has no secret yet belongs to any.

        Raises: Misconfigured when the database belongs to another secret.
        """
        with self._database.read() as connection:
            kept = connection.execute(select(installation.c.secret_fingerprint)).scalar_one()
        if kept is not None:
            _refuse_another_secret(kept, fingerprint)

    def check_file(self) -> None:
        """Make sure that a SQLite file is whole, to its last page; PostgreSQL looks after its own.

        Raises: Misconfigured when it is damaged.
        Cost: reads the whole file.
        """
        with self._database.read() as connection:
            if connection.dialect.name != "sqlite":
                return
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise Misconfigured(f"the database file is damaged ({' '.join(found.split())}); restore a backup")

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


def _refuse_another_secret(kept: str, fingerprint: str) -> None:
    if kept != fingerprint:
        raise Misconfigured(
            f"the database was made with the server secret {kept}, but the one in use is {fingerprint}; "
            "put the secret file back that belongs to this database (no key works with another)"
        )
