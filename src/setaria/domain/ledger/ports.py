"""Ports: what the ledger needs from outside."""

from typing import Protocol

from setaria.core.ids import AccountId
from setaria.domain.ledger.records import CallRecord, CallRow, GroupBy, UsageRow
from setaria.domain.ledger.tariff import PriceList


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


class CallBook(Protocol):
    """Calls as people look at them."""

    def list_calls(self, account_id: AccountId | None, limit: int) -> list[CallRow]:
        """List the newest calls, of one account or with None of all, newest first."""
        ...

    def sum_usage(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        """Sum the calls with from_ms <= at < to_ms by UTC day, model or key, ordered by group."""
        ...
