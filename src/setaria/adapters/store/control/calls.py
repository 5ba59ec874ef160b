"""Calls: implements the port CallBook within one transaction."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, RowMapping, cast, func, literal, select

from setaria.adapters.store.columns import name_call_columns
from setaria.adapters.store.schema import accounts, calls, keys, rollups
from setaria.core.ids import AccountId
from setaria.core.usage import Usage
from setaria.domain.ledger.records import CallRecord, CallRow, GroupBy, UsageRow

_DAY_MS = 86_400_000
_AT_A_TIME = 1000
_EPOCH = datetime.date(1970, 1, 1)
_LAST_DAY = (datetime.date.max - _EPOCH).days
_USAGE = Usage.__struct_fields__
_RECORD = CallRecord.__struct_fields__


class CallTable:
    """Calls, as people look at them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_calls(self, account_id: AccountId | None, limit: int) -> list[CallRow]:
        """List the newest calls, of one account or with None of all, newest first."""
        question = (
            select(
                *(calls.c[name] for name in name_call_columns()),
                func.coalesce(accounts.c.name, "").label("account_name"),
                func.coalesce(keys.c.name, "").label("key_name"),
            )
            .outerjoin_from(calls, accounts, accounts.c.id == calls.c.account_id)
            .outerjoin(keys, keys.c.id == calls.c.key_id)
            .order_by(calls.c.id.desc())
            .limit(limit)
        )
        if account_id is not None:
            question = question.where(calls.c.account_id == account_id)
        return [_call_from_row(row) for row in self._connection.execute(question).mappings()]

    def iterate_calls(self, from_ms: int, to_ms: int, account_id: AccountId | None) -> Iterator[CallRecord]:
        """Give the calls with from_ms <= at < to_ms one after another, of one account or with None of all."""
        question = (
            select(*(calls.c[name] for name in name_call_columns()))
            .where(calls.c.at_ms >= from_ms, calls.c.at_ms < to_ms)
            .where(calls.c.id >= _first_id(from_ms - _DAY_MS), calls.c.id < _first_id(to_ms + _DAY_MS))
            .order_by(calls.c.id)
            .execution_options(yield_per=_AT_A_TIME)
        )
        if account_id is not None:
            question = question.where(calls.c.account_id == account_id)
        for row in self._connection.execute(question).mappings():
            yield _record_from_row(row)

    def sum_usage(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        """Sum the calls with from_ms <= at < to_ms by UTC day, model or key, ordered by group.

        Of days whose calls were dropped the sums are taken, where the whole day is asked for.
        """
        kept = self._sum_calls(group_by, from_ms, to_ms, account_id)
        dropped = self._sum_rollups(group_by, from_ms, to_ms, account_id)
        return _merge(kept, dropped)

    def _sum_calls(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        group, name = _name_group(group_by)
        question = (
            select(
                group.label("group"),
                name.label("name"),
                func.count().label("calls"),
                *(_sum(calls.c[each]) for each in (*_USAGE, "charge_nano")),
            )
            .select_from(calls)
            .where(calls.c.at_ms >= from_ms, calls.c.at_ms < to_ms)
            # The table is in the order of the ids, which begin with the moment; so only its days in question are read.
            .where(calls.c.id >= _first_id(from_ms - _DAY_MS), calls.c.id < _first_id(to_ms + _DAY_MS))
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
        first_day, end_day = -(-from_ms // _DAY_MS), to_ms // _DAY_MS
        question = (
            select(
                group.label("group"),
                name.label("name"),
                *(_sum(rollups.c[each]) for each in ("calls", *_USAGE, "charge_nano")),
            )
            .select_from(rollups)
            .where(rollups.c.day >= _date(first_day), rollups.c.day < _date(end_day))
            .group_by(group)
        )
        if group_by == "key":
            question = question.outerjoin(keys, keys.c.id == rollups.c.key_id)
        if account_id is not None:
            question = question.where(rollups.c.account_id == account_id)
        return [_usage_from_values(row) for row in self._connection.execute(question).mappings()]


def _merge(kept: list[UsageRow], dropped: list[UsageRow]) -> list[UsageRow]:
    rows = {row.group: row for row in kept}
    for row in dropped:
        rows[row.group] = row.plus(rows[row.group]) if row.group in rows else row
    return [rows[group] for group in sorted(rows)]


def _name_group(group_by: GroupBy) -> tuple[ColumnElement[object], ColumnElement[object]]:
    match group_by:
        case "day":
            return calls.c.at_ms // _DAY_MS, literal("")
        case "model":
            return calls.c.model, func.max(calls.c.model)
        case "key":
            return calls.c.key_id, func.coalesce(func.max(keys.c.name), "")


def _sum(column: Column[int]) -> ColumnElement[int]:
    total = cast(func.sum(column), BigInteger)  # in SQL: PostgreSQL sums integers to a decimal number
    return total.label(column.name)


def _first_id(moment_ms: int) -> str:
    return f"{max(moment_ms, 0):012x}"


def _record_from_row(values: RowMapping) -> CallRecord:
    usage = Usage(**{name: values[name] for name in _USAGE})
    return CallRecord(usage=usage, **{name: values[name] for name in _RECORD if name != "usage"})


def _call_from_row(values: RowMapping) -> CallRow:
    return CallRow(_record_from_row(values), values["account_name"], values["key_name"])


def _usage_from_row(values: RowMapping, group_by: GroupBy) -> UsageRow:
    if group_by == "day":
        return _usage_from_values({**values, "group": _date(values["group"])})
    return _usage_from_values(values)


def _date(day: int) -> str:
    """Write the date of a day since the epoch; days beyond the calendar are its last."""
    return (_EPOCH + datetime.timedelta(days=min(day, _LAST_DAY))).isoformat()


def _usage_from_values(values: Mapping[Any, Any]) -> UsageRow:  # what SQL gives has no types
    group = values["group"]
    usage = Usage(**{name: values[name] for name in _USAGE})
    return UsageRow(group, values["name"] or group, values["calls"], usage, values["charge_nano"])
