"""Ports: what the ledger needs from outside."""

from collections.abc import Awaitable, Iterable, Iterator
from typing import Protocol

from setaria.core.ids import AccountId
from setaria.core.protocol import Lane
from setaria.domain.ledger.allowances import Allowance, AllowanceKind, Entry, EntryKind, EntryRow
from setaria.domain.ledger.codes import Code
from setaria.domain.ledger.leases import Debit, Gone, Pulse, Trade, Traded
from setaria.domain.ledger.proof import Books, ChargedCall, UpstreamSum
from setaria.domain.ledger.purses import PURSE_KINDS, Held, Purse
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRecord, CallRow, GroupBy, Outcome, UsageRow
from setaria.domain.ledger.tariff import PriceList, Tariff, Times


class Ledger(Protocol):
    """Writes calls."""

    def record(self, call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> Awaitable[Outcome]:
        """Write one call with what it takes from allowances; what it gives comes when it is durable.

        The same call id again changes nothing. A call that is refused for what is in it, and one with an oddity, is
        kept where people look at it.
        Raises: Unavailable, at once or when it is awaited, when it could not be written, or it is not known whether it
            was.
        """
        ...


class Reports(Protocol):
    """What callers ask about their own account, for the data plane."""

    async def find_receipt(self, account_id: AccountId, call_id: str) -> Receipt | None:
        """Find an account's call by its id, with what paid for it.

        Raises: Unavailable when the store can't be read.
        """
        ...

    async def read_credits(self, account_id: AccountId, since_ms: int) -> list[Purse]:
        """Read the plans and windows that an account has, or had since, with what workers hold of them.

        Raises: Unavailable when the store can't be read.
        """
        ...

    async def read_purses(self, account_id: AccountId) -> list[Purse]:
        """Read an account's cash and gifts with what workers hold of them.

        Raises: Unavailable when the store can't be read.
        """
        ...

    async def sum_usage(self, account_id: AccountId, group_by: GroupBy, from_ms: int, to_ms: int) -> list[UsageRow]:
        """Sum an account's calls with from_ms <= at < to_ms by UTC day, model or key, ordered by group.

        Raises: Unavailable when the store can't be read, or not in time.
        """
        ...


class LeaseBook(Protocol):
    """The books as workers see them. Every method may be repeated when its reply was lost.

    Raises: Unavailable, each of them.
    """

    async def enter(self, worker_id: str, node: str) -> Pulse:
        """Put a worker on the books, and give up whatever worker was there under the same node."""
        ...

    async def renew(self, worker_id: str) -> Pulse | Gone:
        """Say that a worker lives."""
        ...

    async def trade(self, worker_id: str, trade: Trade) -> Traded | Gone:
        """Return leases and ask for others; the same number again only gives the same answer."""
        ...

    async def read_hungry(self, worker_id: str) -> frozenset[str]:
        """Tell the allowances of which other workers need something that is leased."""
        ...

    async def sweep(self, unseen_s: int) -> int:
        """Give up the workers that were not seen for so long; gives how many."""
        ...

    async def leave(self, worker_id: str) -> None:
        """Give up a worker that ends by itself."""
        ...

    async def read_recalls(self) -> frozenset[AccountId]:
        """Tell the accounts whose leases are called home."""
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
    """Old calls, which leave their sums behind: by day in the rollups, by allowance in a checkpoint entry.

    Of the windows of plans that have ended nothing is left behind: what the calls took is taken off their own numbers.
    """

    def make_partitions(self, now_ms: int) -> int:
        """Make room for this week and the next ones where calls are partitioned; gives how many parts were made."""
        ...

    def drop_partition(self, before_ms: int, now_ms: int) -> int:
        """Drop the oldest part that lies wholly before a moment; gives how many calls it held."""
        ...

    def drop_calls(self, before_ms: int, limit: int, now_ms: int) -> int:
        """Drop up to so many of the oldest calls from before a moment; gives how many."""
        ...

    def drop_windows(self, before_ms: int, limit: int) -> int:
        """Drop up to so many windows of plans that ended before a moment and that no call is charged to any more."""
        ...


class CallBook(Protocol):
    """Calls as people look at them."""

    def list_calls(self, account_id: AccountId | None, limit: int) -> list[CallRow]:
        """List the newest calls, of one account or with None of all, newest first."""
        ...

    def find_receipt(self, call_id: str) -> Receipt | None:
        """Find a call by its id, with what paid for it."""
        ...

    def iterate_calls(self, from_ms: int, to_ms: int, account_id: AccountId | None) -> Iterator[CallRecord]:
        """Give the calls with from_ms <= at < to_ms one after another, of one account or with None of all."""
        ...

    def sum_usage(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        """Sum the calls with from_ms <= at < to_ms by UTC day, model or key, ordered by group."""
        ...


class PurseBook(Protocol):
    """What accounts have to spend, and the ledger's entries, inside the caller's transaction."""

    def add_allowance(self, allowance: Allowance) -> None:
        """Insert a new allowance; a gift counts up the change counter."""
        ...

    def lock_allowances(self, account_id: AccountId, kinds: tuple[AllowanceKind, ...]) -> list[Allowance]:
        """Give an account's allowances of these kinds, by id; nobody else changes them until the transaction ends."""
        ...

    def change_allowance(self, allowance: Allowance) -> None:
        """Write the new state of an allowance that this transaction has locked."""
        ...

    def list_purses(
        self, account_id: AccountId, kinds: tuple[AllowanceKind, ...] = PURSE_KINDS, since_ms: int = 0
    ) -> list[Purse]:
        """List what an account has, or had since, with what workers hold of it: by kind, and as it ends."""
        ...

    def add_entry(self, entry: Entry) -> None:
        """Insert an entry; entries are never changed."""
        ...

    def list_entries(self, account_id: AccountId, limit: int) -> list[EntryRow]:
        """List an account's newest entries, newest first."""
        ...

    def sum_entries(self, account_id: AccountId, allowance_id: str, kinds: tuple[EntryKind, ...]) -> int:
        """Sum the entries of these kinds of an account's allowance."""
        ...


class OverBook(Protocol):
    """Gifts and terms of plans that have ended, inside the caller's transaction."""

    def lock_over(self, account_id: AccountId | None, limit: int) -> list[Allowance]:
        """Give the gifts and terms that have ended, by the database's clock, and of which something is left.

        Of one account or with None of all, by id, at most `limit`; nobody else changes them until the transaction ends.
        """
        ...

    def list_debtors(self) -> list[AccountId]:
        """List the accounts that have a gift which owes something."""
        ...


class RecallBook(Protocol):
    """Accounts whose leases are called home, inside the caller's transaction.

    While a recall stands no worker admits a call of the account on money or credits, and each gives back what is idle.
    """

    def begin_recall(self, account_id: AccountId) -> bool:
        """Call an account's leases home, and count up the change counter; False when another recall stands."""
        ...

    def end_recall(self, account_id: AccountId) -> None:
        """End an account's recall."""
        ...

    def count_held(self, account_id: AccountId) -> Held:
        """Count what workers still hold of an account's money and credits, and its calls under way."""
        ...

    def sweep(self, unseen_s: int) -> int:
        """Give up the workers that were not seen for so long; gives how many."""
        ...


class CodeBook(Protocol):
    """Redeem codes, inside the caller's transaction."""

    def add_code(self, code: Code) -> None:
        """Insert a new code."""
        ...

    def find_code(self, digest: bytes) -> Code | None:
        """Find a code by its digest."""
        ...

    def redeem_code(self, digest: bytes, account_id: AccountId, at_ms: int) -> bool:
        """Mark a code as redeemed; False when it was already, or is past its end."""
        ...

    def list_codes(self, batch: str | None) -> list[Code]:
        """List the codes of one batch, or with None of all, oldest first."""
        ...
