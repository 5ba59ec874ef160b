"""Store: the data plane's store, of the engine that the settings name."""

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.batches import OnWritten
from setaria.adapters.store.reports import Reader as ReportReader
from setaria.adapters.store.script import Dialect, Rows, Say, Script
from setaria.adapters.store.settlement import OnRefused
from setaria.adapters.store.sqlite.reader import SqliteReader
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.config import Settings, resolve_database_url
from setaria.core.ids import CallId
from setaria.domain.accounts.records import Caller, KeyUse
from setaria.domain.catalog.added import Added
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord, Outcome
from setaria.domain.ledger.tariff import PriceList
from setaria.domain.plans.subscriptions import Subscription
from setaria.gateway.ports import Log

T = TypeVar("T")


class Store(Protocol):
    """Everything that the data plane asks of its database."""

    dialect: Dialect

    @property
    def queued(self) -> int:
        """Tell how many calls wait to be durable."""
        ...

    async def open(self) -> None:
        """Make sure that it can be used."""
        ...

    async def close(self) -> None:
        """Finish what is being written."""
        ...

    def record(self, call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> Awaitable[Outcome]:
        """Write one call."""
        ...

    async def play(self, script: Script[T]) -> T:
        """Play a script."""
        ...

    async def ask(self, question: Say) -> Rows:
        """Ask a question."""
        ...

    async def find_caller(self, digest: bytes) -> Caller | None:
        """Find whose key this is."""
        ...

    async def note_key_uses(self, uses: Sequence[KeyUse]) -> None:
        """Write when keys were last used."""
        ...

    async def read_change_counter(self) -> int:
        """Read the change counter."""
        ...

    async def read_catalog(self) -> Added:
        """Read what commands have added to the catalog."""
        ...

    async def read_tariffs(self) -> PriceList:
        """Read prices and rates."""
        ...

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        """Find a subscription."""
        ...

    async def check(self) -> str:
        """Tell what is wrong."""
        ...


class Reader(ReportReader, Protocol):
    """A connection for what may take long."""

    async def close(self) -> None:
        """Close it."""
        ...


def make_reader(settings: Settings) -> Reader:
    """Make the reader; nothing is opened before the first question."""
    url = resolve_database_url(settings)
    if is_sqlite(url):
        return SqliteReader(sqlite_path(url))
    from setaria.adapters.store.postgres.reader import PostgresReader

    return PostgresReader(url)


def make_store(settings: Settings, log: Log, on_written: OnWritten) -> Store:
    """Make the store; nothing is opened yet. `on_written` is told the rows and the seconds of each batch of calls."""
    url = resolve_database_url(settings)
    on_refused = _report_to(log)
    if is_sqlite(url):
        return SqliteStore(sqlite_path(url), on_refused, on_written)
    from setaria.adapters.store.postgres.store import PostgresStore

    return PostgresStore(url, on_refused, on_written)


def _report_to(log: Log) -> OnRefused:
    def report(call_id: CallId, reason: str) -> None:
        log.error("call_refused_by_database", call=call_id, reason=reason)

    return report
