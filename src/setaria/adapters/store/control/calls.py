"""Calls: implements the port CallBook within one transaction."""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, RowMapping, cast, func, literal, select

from setaria.adapters.store.columns import name_call_columns
from setaria.adapters.store.schema import accounts, allowances, calls, keys, rollups
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
from setaria.domain.ledger.allowances import read_charges
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRecord, CallRow, GroupBy, UsageRow

_AT_A_TIME = 1000
_CALL = (
    select(
        *(calls.c[name] for name in name_call_columns()),
        func.coalesce(accounts.c.name, "").label("account_name"),
        func.coalesce(keys.c.name, "").label("key_name"),
    )
    .outerjoin_from(calls, accounts, accounts.c.id == calls.c.account_id)
    .outerjoin(keys, keys.c.id == calls.c.key_id)
)


class CallTable:
    """Calls, as people look at them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_calls(self, account_id: AccountId | None, limit: int) -> list[CallRow]:
        """List the newest calls, of one account or with None of all, newest first."""
        question = _CALL.order_by(calls.c.id.desc()).limit(limit)
        if account_id is not None:
            question = question.where(calls.c.account_id == account_id)
        return [_call_from_row(row) for row in self._connection.execute(question).mappings()]

    def find_receipt(self, call_id: str) -> Receipt | None:
        """Find a call by its id, with what paid for it."""
        found = self._connection.execute(_CALL.where(calls.c.id == call_id)).mappings().first()
        if found is None:
            return None
        row = _call_from_row(found)
        ids = [charge.allowance_id for charge in read_charges(row.call.charges)]
        of_account = allowances.c.account_id == row.call.account_id
        question = select(allowances.c.id, allowances.c.kind).where(allowances.c.id.in_(ids), of_account)
        return receipt_of(row, {each.id: each.kind for each in self._connection.execute(question)})

    def iterate_calls(self, from_ms: int, to_ms: int, account_id: AccountId | None) -> Iterator[CallRecord]:
        """Give the calls with from_ms <= at < to_ms one after another, of one account or with None of all."""
        question = (
            select(*(calls.c[name] for name in name_call_columns()))
            .where(calls.c.at_ms >= from_ms, calls.c.at_ms < to_ms)
            .where(calls.c.id >= first_id(from_ms - DAY_MS), calls.c.id < first_id(to_ms + DAY_MS))
            .order_by(calls.c.id)
            .execution_options(yield_per=_AT_A_TIME)
        )
        if account_id is not None:
            question = question.where(calls.c.account_id == account_id)
        for row in self._connection.execute(question).mappings():
            yield record_from_values(row)

    def sum_usage(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        """Sum the calls with from_ms <= at < to_ms by UTC day, model or key, ordered by group.

        Of days whose calls were dropped the sums are taken, where the whole day is asked for.
        """
        kept = self._sum_calls(group_by, from_ms, to_ms, account_id)
        dropped = self._sum_rollups(group_by, from_ms, to_ms, account_id)
        return merge_usage(kept, dropped)

    def _sum_calls(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        group, name = _name_group(group_by)
        question = (
            select(
                group.label("group"),
                name.label("name"),
                func.count().label("calls"),
                *(_sum(calls.c[each]) for each in (*USAGE, *CHARGES)),
            )
            .select_from(calls)
            .where(calls.c.at_ms >= from_ms, calls.c.at_ms < to_ms)
            # The table is in the order of the ids, which begin with the moment; so only its days in question are read.
            .where(calls.c.id >= first_id(from_ms - DAY_MS), calls.c.id < first_id(to_ms + DAY_MS))
            .group_by(group)
            .order_by(group)
        )
        if group_by == "key":
            question = question.outerjoin(keys, keys.c.id == calls.c.key_id)
        if account_id is not None:
            question = question.where(calls.c.account_id == account_id)
        return [_usage_from_row(row, group_by) for row in self._connection.execute(question).mappings()]

    def _sum_rollups(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        group = {"day": rollups.c.day, "model": rollups.c.model, "key": rollups.c.key_id}[group_by]
        name = func.coalesce(func.max(keys.c.name), "") if group_by == "key" else literal("")
        first_day, end_day = -(-from_ms // DAY_MS), to_ms // DAY_MS
        question = (
            select(
                group.label("group"),
                name.label("name"),
                *(_sum(rollups.c[each]) for each in ("calls", *USAGE, *CHARGES)),
            )
            .select_from(rollups)
            .where(rollups.c.day >= date_of(first_day), rollups.c.day < date_of(end_day))
            .group_by(group)
        )
        if group_by == "key":
            question = question.outerjoin(keys, keys.c.id == rollups.c.key_id)
        if account_id is not None:
            question = question.where(rollups.c.account_id == account_id)
        return [usage_from_values(row) for row in self._connection.execute(question).mappings()]


def _name_group(group_by: GroupBy) -> tuple[ColumnElement[object], ColumnElement[object]]:
    match group_by:
        case "day":
            return calls.c.at_ms // DAY_MS, literal("")
        case "model":
            return calls.c.model, func.max(calls.c.model)
        case "key":
            return calls.c.key_id, func.coalesce(func.max(keys.c.name), "")


def _sum(column: Column[int]) -> ColumnElement[int]:
    total = cast(func.sum(column), BigInteger)  # in SQL: PostgreSQL sums integers to a decimal number
    return total.label(column.name)


def _call_from_row(values: RowMapping) -> CallRow:
    return CallRow(record_from_values(values), values["account_name"], values["key_name"])


def _usage_from_row(values: RowMapping, group_by: GroupBy) -> UsageRow:
    if group_by == "day":
        return usage_from_values({**values, "group": date_of(values["group"])})
    return usage_from_values(values)
