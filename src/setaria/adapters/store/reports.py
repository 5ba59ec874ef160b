"""Reports: implements the port Reports, on either engine.

Both understand the statements: values stand as `$1`, `$2` and so on. They are asked on a connection of their own, so
that a long one keeps no key and no call waiting.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from setaria.adapters.store.columns import name_call_columns
from setaria.adapters.store.subscription_rows import FIND_SUBSCRIPTION, subscription_from_row
from setaria.adapters.store.usage_rows import (
    CHARGES,
    DAY_MS,
    USAGE,
    date_of,
    first_id,
    merge_usage,
    receipt_of,
    record_from_values,
    usage_from_values,
)
from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance, read_charges
from setaria.domain.ledger.purses import Purse
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRow, GroupBy, UsageRow
from setaria.domain.plans.subscriptions import Subscription

Rows = list[tuple[Any, ...]]  # what SQL gives has no types

_CALL_COLUMNS = name_call_columns()
_FIND_CALL = (  # made of the records' own names, as are those below
    f"SELECT {', '.join(f'calls.{name}' for name in _CALL_COLUMNS)}, COALESCE(accounts.name, ''), "  # noqa: S608
    "COALESCE(keys.name, '') FROM calls LEFT JOIN accounts ON accounts.id = calls.account_id "
    "LEFT JOIN keys ON keys.id = calls.key_id WHERE calls.id = $1 AND calls.account_id = $2"
)
_FIND_KIND = "SELECT id, kind FROM allowances WHERE id = $1 AND account_id = $2"
_PURSES = (
    f"SELECT {', '.join(Allowance.__struct_fields__)}, CAST((SELECT COALESCE(SUM(leases.amount), 0) FROM leases "  # noqa: S608
    "WHERE leases.allowance_id = allowances.id) AS BIGINT) FROM allowances WHERE account_id = $1 "
)
_READ_PURSES = f"{_PURSES} AND kind IN ('cash', 'gift') ORDER BY kind, ends_at_ms IS NULL, ends_at_ms, id"
_READ_CREDITS = f"{_PURSES} AND kind IN ('plan', 'window') AND ends_at_ms > $2 ORDER BY kind, ends_at_ms, id"
_FIND_SUBSCRIPTION = f"{FIND_SUBSCRIPTION} $1"
_SUMMED = (*USAGE, *CHARGES)
_SUMS = ", ".join(f"CAST(SUM({name}) AS BIGINT)" for name in _SUMMED)
_SUM_CALLS = (
    f"SELECT {{group}}, {{name}}, COUNT(*), {_SUMS} FROM calls {{join}} WHERE calls.account_id = $1 "  # noqa: S608
    "AND calls.at_ms >= $2 AND calls.at_ms < $3 AND calls.id >= $4 AND calls.id < $5 GROUP BY 1"
)
_SUM_ROLLUPS = (
    f"SELECT {{group}}, {{name}}, CAST(SUM(calls) AS BIGINT), {_SUMS} FROM rollups {{join}} "  # noqa: S608
    "WHERE rollups.account_id = $1 AND rollups.day >= $2 AND rollups.day < $3 GROUP BY 1"
)
_KEY_NAME = "COALESCE(MAX(keys.name), '')"
_GROUPS: dict[GroupBy, tuple[str, str]] = {
    "day": (f"calls.at_ms / {DAY_MS}", "rollups.day"),
    "model": ("calls.model", "rollups.model"),
    "key": ("calls.key_id", "rollups.key_id"),
}


class Reader(Protocol):
    """A connection that only reads."""

    async def ask(self, sql: str, values: Sequence[object]) -> Rows:
        """Ask one question.

        Raises: Unavailable, also when there is no answer in time.
        """
        ...


class ReportTable:
    """Implements the ports Reports and PlanDirectory."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def find_receipt(self, account_id: AccountId, call_id: str) -> Receipt | None:
        """Find an account's call by its id, with what paid for it."""
        rows = await self._reader.ask(_FIND_CALL, (call_id, account_id))
        if not rows:
            return None
        *values, account_name, key_name = rows[0]
        record = record_from_values(dict(zip(_CALL_COLUMNS, values, strict=True)))
        kinds: dict[str, Any] = {}  # as above
        for charge in read_charges(record.charges):
            kinds.update(await self._reader.ask(_FIND_KIND, (charge.allowance_id, account_id)))
        return receipt_of(CallRow(record, account_name, key_name), kinds)

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        """Find a subscription by its id."""
        rows = await self._reader.ask(_FIND_SUBSCRIPTION, (subscription_id,))
        return subscription_from_row(rows[0]) if rows else None

    async def read_credits(self, account_id: AccountId, since_ms: int) -> list[Purse]:
        """Read the plans and windows that an account has, or had since, with what workers hold of them."""
        rows = await self._reader.ask(_READ_CREDITS, (account_id, since_ms))
        return [Purse(Allowance(*row[:-1]), row[-1]) for row in rows]

    async def read_purses(self, account_id: AccountId) -> list[Purse]:
        """Read an account's cash and gifts with what workers hold of them."""
        rows = await self._reader.ask(_READ_PURSES, (account_id,))
        return [Purse(Allowance(*row[:-1]), row[-1]) for row in rows]

    async def sum_usage(self, account_id: AccountId, group_by: GroupBy, from_ms: int, to_ms: int) -> list[UsageRow]:
        """Sum an account's calls by UTC day, model or key; of days whose calls were dropped the sums are taken."""
        ids = (first_id(from_ms - DAY_MS), first_id(to_ms + DAY_MS))
        kept = await self._reader.ask(_fill(_SUM_CALLS, group_by, 0), (account_id, from_ms, to_ms, *ids))
        days = (date_of(-(-from_ms // DAY_MS)), date_of(to_ms // DAY_MS))
        dropped = await self._reader.ask(_fill(_SUM_ROLLUPS, group_by, 1), (account_id, *days))
        if group_by == "day":
            kept = [(date_of(row[0]), *row[1:]) for row in kept]
        return merge_usage([_usage_from_row(row) for row in kept], [_usage_from_row(row) for row in dropped])


def _fill(question: str, group_by: GroupBy, which: int) -> str:
    table = ("calls", "rollups")[which]
    by_key = group_by == "key"
    return question.format(
        group=_GROUPS[group_by][which],
        name=_KEY_NAME if by_key else "''",
        join=f"LEFT JOIN keys ON keys.id = {table}.key_id" if by_key else "",
    )


def _usage_from_row(row: Sequence[Any]) -> UsageRow:  # as above
    return usage_from_values(dict(zip(("group", "name", "calls", *_SUMMED), row, strict=True)))
