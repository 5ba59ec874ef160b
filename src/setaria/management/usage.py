"""Usage: what people ask about calls."""

import msgspec

from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.usage import Usage
from setaria.domain.accounts.ports import AccountBook
from setaria.domain.ledger.ports import CallBook
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRow, GroupBy, UsageRow
from setaria.domain.ledger.tariff import PriceList, Tariff
from setaria.management.accounts import find_account
from setaria.management.moments import DAY_MS, read_last, read_moment

_DEFAULT_DAYS = 30
_MAX_CALLS = 10_000
_ID_LENGTH = 32


class Period(msgspec.Struct, frozen=True):
    """The moments from `from_ms` to just before `to_ms`."""

    from_ms: int
    to_ms: int


class UsageReport(msgspec.Struct, frozen=True):
    """Sums over the calls of a period, by group and in all."""

    period: Period
    group_by: GroupBy
    rows: list[UsageRow]
    total: UsageRow


def read_period(begin: str | None, end: str | None, now_ms: int) -> Period:
    """Read a period as people give it.

    Takes: begin and end, each a day or a moment in ISO 8601, without an offset in UTC; a day as the end is included.
    Without them: up to now, and the 30 days before the end.
    Raises: InvalidRequest when one can't be read or the end is not after the beginning.
    """
    to_ms = now_ms + 1 if end is None else read_last(end, "to")
    from_ms = to_ms - _DEFAULT_DAYS * DAY_MS if begin is None else read_moment(begin, "from")
    if from_ms >= to_ms:
        raise InvalidRequest("the period ends before it begins; give an earlier `from` or a later `to`", param="to")
    return Period(max(from_ms, 0), to_ms)


def report_usage(
    accounts: AccountBook, calls: CallBook, group_by: GroupBy, period: Period, account: str | None
) -> UsageReport:
    """Sum the calls of a period, of one account given by id or name, or with None of all.

    Raises: NotFound when there is no such account.
    """
    account_id = None if account is None else find_account(accounts, account).id
    rows = calls.sum_usage(group_by, period.from_ms, period.to_ms, account_id)
    return make_report(group_by, period, rows)


def make_report(group_by: GroupBy, period: Period, rows: list[UsageRow]) -> UsageReport:
    """Make a report of its rows."""
    return UsageReport(period, group_by, rows, _sum_rows(rows))


def find_receipt(calls: CallBook, call_id: str) -> Receipt:
    """Find a call by its id, with what paid for it.

    Raises: NotFound when there is none.
    """
    found = calls.find_receipt(call_id)
    if found is None:
        raise NotFound(f"there is no call {call_id[:_ID_LENGTH]!r}; `setaria calls list` shows the newest")
    return found


def find_version(listed: PriceList, tariff_id: str) -> Tariff | None:
    """Find the version of a price or rate that a call's row names; None when it has none."""
    return next((each for each in listed.versions if each.id == tariff_id), None)


def list_calls(accounts: AccountBook, calls: CallBook, account: str | None, limit: int) -> list[CallRow]:
    """List the newest calls, of one account given by id or name, or with None of all; newest first.

    Raises: NotFound when there is no such account; InvalidRequest when the limit is not 1 to 10,000.
    """
    if not 1 <= limit <= _MAX_CALLS:
        raise InvalidRequest(f"limit is {limit}; allowed: 1 to {_MAX_CALLS}", param="limit")
    return calls.list_calls(None if account is None else find_account(accounts, account).id, limit)


def _sum_rows(rows: list[UsageRow]) -> UsageRow:
    total = UsageRow("total", "", 0, Usage(), 0)
    for row in rows:
        total = total.plus(row)
    return msgspec.structs.replace(total, name="")
