"""Ports: what the ledger needs from outside."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from setaria.core.ids import AccountId
from setaria.core.protocol import Lane
from setaria.domain.ledger.allowances import Entry
from setaria.domain.ledger.proof import Books, ChargedCall, UpstreamSum
from setaria.domain.ledger.records import CallRecord, CallRow, GroupBy, UsageRow
from setaria.domain.ledger.tariff import PriceList, Tariff, Times


class Ledger(Protocol):
    """Writes calls."""

    async def record(self, call: CallRecord) -> None:
        """Write one call; returns when it is durable. The same call id again changes nothing.

        Raises: Unavailable when it could not be written.
        """
        ...


class TariffSource(Protocol):
    """Reads prices and rates for the data plane."""

    async def read_tariffs(self) -> PriceList:
        """Read all of it as it is at one moment.

        Raises: Unavailable when the store can't be read.
        """
        ...


class ProofBook(Protocol):
    """The books as a whole, to be proved and exported."""

    def read_books(self) -> Books:
        """Give what the rules compare; entries and calls are read while they are iterated, each once."""
        ...

    def read_entries(self, account_id: AccountId | None, from_ms: int, to_ms: int | None) -> Iterable[Entry]:
        """Give the movements with from_ms <= at < to_ms, oldest first, of one account or with None of all."""
        ...

    def read_charged_calls(
        self, account_id: AccountId | None, from_ms: int, to_ms: int | None
    ) -> Iterable[ChargedCall]:
        """Give the calls that cost something, likewise."""
        ...

    def sum_by_upstream(self, upstream: str, from_ms: int, to_ms: int) -> list[UpstreamSum]:
        """Sum the calls of an upstream with from_ms <= at < to_ms by UTC day and model."""
        ...


class PriceBook(Protocol):
    """Prices and rates as people manage them, inside the caller's transaction.

    Every change counts up the change counter.
    """

    def read_prices(self) -> PriceList:
        """Read all prices and rates in all versions, oldest first."""
        ...

    def add_tariff(self, lane: Lane, tariff: Tariff, created_at_ms: int) -> None:
        """Insert a version of a price (`payg`) or of a rate (`plan`)."""
        ...

    def remove_tariff(self, tariff_id: str) -> None:
        """Delete a version that has not begun."""
        ...

    def set_currency(self, currency: str, created_at_ms: int) -> None:
        """Write the currency of all amounts."""
        ...

    def set_off_peak(self, times: Times, created_at_ms: int) -> None:
        """Write when plans pay less, for all models."""
        ...

    def set_search_price(self, search_nano: int, created_at_ms: int) -> None:
        """Write what 1,000 searches cost."""
        ...


class RetentionBook(Protocol):
    """Old calls, which leave their sums behind: by day in the rollups, by allowance in a checkpoint entry."""

    def make_partitions(self, now_ms: int) -> int:
        """Make room for this week and the next ones where calls are partitioned; gives how many parts were made."""
        ...

    def drop_partition(self, before_ms: int, now_ms: int) -> int:
        """Drop the oldest part that lies wholly before a moment; gives how many calls it held."""
        ...

    def drop_calls(self, before_ms: int, limit: int, now_ms: int) -> int:
        """Drop up to so many of the oldest calls from before a moment; gives how many."""
        ...


class CallBook(Protocol):
    """Calls as people look at them."""

    def list_calls(self, account_id: AccountId | None, limit: int) -> list[CallRow]:
        """List the newest calls, of one account or with None of all, newest first."""
        ...

    def iterate_calls(self, from_ms: int, to_ms: int, account_id: AccountId | None) -> Iterator[CallRecord]:
        """Give the calls with from_ms <= at < to_ms one after another, of one account or with None of all."""
        ...

    def sum_usage(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        """Sum the calls with from_ms <= at < to_ms by UTC day, model or key, ordered by group."""
        ...
