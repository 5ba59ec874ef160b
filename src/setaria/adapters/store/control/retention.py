"""Retention: implements the port RetentionBook within one transaction."""

import re

from sqlalchemy import Connection, MetaData, Select, Table, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from setaria.adapters.store.schema import allowances, calls, entries, leases, rollups
from setaria.core.clock import iso_from_ms
from setaria.core.ids import new_call_id
from setaria.domain.ledger.allowances import read_charges

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_WEEKS_AHEAD = 3
_DATE_LENGTH = 10
_IDS_AT_ONCE = 500
_KEYS = ("day", "account_id", "key_id", "model")
_COUNTED = tuple(column.name for column in rollups.columns if column.name not in _KEYS)
_WEEK_TABLE = re.compile(r"calls_w(\d+)")
_Sums = dict[tuple[str, str, str, str], list[int]]


class RetentionTable:
    """Old calls, which leave their sums behind."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def drop_calls(self, before_ms: int, limit: int, now_ms: int) -> int:
        """Drop up to so many of the oldest calls from before a moment, and keep their sums; gives how many."""
        oldest = select(calls.c.id).where(calls.c.id < _first_id(before_ms)).order_by(calls.c.id).limit(limit)
        ids = list(self._connection.execute(oldest).scalars())
        if ids:
            self._keep_sums(select(calls).where(calls.c.id.in_(ids)), now_ms)
            self._connection.execute(delete(calls).where(calls.c.id.in_(ids)))
        return len(ids)

    def make_partitions(self, now_ms: int) -> int:
        """Make the tables of this week and the next ones where calls are partitioned; gives how many were made.

        A week whose calls already lie in the table of the rest stays there.
        """
        if not self._is_partitioned():
            return 0
        made, there = 0, {week for week, _ in self._weeks()}
        for week in range(now_ms // _WEEK_MS, now_ms // _WEEK_MS + _WEEKS_AHEAD):
            first, end = _first_id(week * _WEEK_MS), _first_id((week + 1) * _WEEK_MS)
            is_begun = select(func.count()).where(calls.c.id >= first, calls.c.id < end)
            if week not in there and not self._connection.execute(is_begun).scalar_one():
                # A range takes no bound values; both are our own hex digits.
                self._connection.execute(
                    text(f"CREATE TABLE calls_w{week} PARTITION OF calls FOR VALUES FROM ('{first}') TO ('{end}')")
                )
                made += 1
        return made

    def drop_partition(self, before_ms: int, now_ms: int) -> int:
        """Drop the oldest week that lies wholly before a moment, and keep its sums; gives how many calls it held."""
        for week, table in self._weeks():
            if (week + 1) * _WEEK_MS <= before_ms:
                # What a spool brings now must wait, or it would be dropped without having been summed.
                self._connection.execute(text(f"LOCK TABLE {table.name} IN ACCESS EXCLUSIVE MODE"))
                count = self._keep_sums(select(table), now_ms)
                self._connection.execute(text(f"DROP TABLE {table.name}"))
                return count
        return 0

    def drop_windows(self, before_ms: int, limit: int) -> int:
        """Drop up to so many windows of plans that ended before a moment and that no call is charged to any more.

        What was taken beyond a window, its debt, nobody ever pays back: it goes with the window.
        """
        is_leased = select(leases.c.worker_id).where(leases.c.allowance_id == allowances.c.id).exists()
        old = (
            select(allowances.c.id)
            .where(allowances.c.kind == "window", allowances.c.ends_at_ms < before_ms)
            .where(allowances.c.spent == 0, ~is_leased)
            .order_by(allowances.c.id)
            .limit(limit)
            .with_for_update()
        )
        ids = list(self._connection.execute(old).scalars())
        if ids:
            self._connection.execute(delete(allowances).where(allowances.c.id.in_(ids)))
        return len(ids)

    def _weeks(self) -> list[tuple[int, Table]]:
        if not self._is_partitioned():
            return []
        names = self._connection.execute(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'calls'::regclass")
        ).scalars()
        weeks = sorted(int(found[1]) for name in names if (found := _WEEK_TABLE.fullmatch(name)))
        return [(week, calls.to_metadata(MetaData(), name=f"calls_w{week}")) for week in weeks]

    def _is_partitioned(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    def _keep_sums(self, question: "Select[tuple[object, ...]]", now_ms: int) -> int:
        """Add what calls took to the sums of their days, and to a checkpoint of each purse; gives how many."""
        count, first_id, last_id = 0, "", ""
        days: _Sums = {}
        paid: dict[tuple[str, str], int] = {}
        for row in self._connection.execute(question.execution_options(yield_per=1_000)).mappings():
            count += 1
            first_id, last_id = min(first_id or row["id"], row["id"]), max(last_id, row["id"])
            day = iso_from_ms(row["at_ms"])[:_DATE_LENGTH]
            sums = days.setdefault((day, row["account_id"], row["key_id"], row["model"]), [0] * len(_COUNTED))
            for place, name in enumerate(_COUNTED):
                sums[place] += 1 if name == "calls" else row[name]
            for part in read_charges(row["charges"]):
                key = (row["account_id"], part.allowance_id)
                paid[key] = paid.get(key, 0) + part.amount
        self._add_days(days)
        self._take_off_windows(paid, now_ms)
        self._add_checkpoints(paid, now_ms, f"{first_id}..{last_id}")
        return count

    def _take_off_windows(self, paid: dict[tuple[str, str], int], now_ms: int) -> None:
        """Take what calls took off the windows of plans that have ended, and out of `paid`.

        Thousands of windows come to an end; with the last of its calls dropped a window can go too.
        """
        ids = [allowance_id for _, allowance_id in paid]
        for start in range(0, len(ids), _IDS_AT_ONCE):
            question = (
                select(allowances.c.account_id, allowances.c.id)
                .where(allowances.c.id.in_(ids[start : start + _IDS_AT_ONCE]), allowances.c.kind == "window")
                .where(allowances.c.ends_at_ms <= now_ms)
                .order_by(allowances.c.id)
                .with_for_update()
            )
            for row in self._connection.execute(question).all():
                amount = paid.pop((row.account_id, row.id))
                changed = {name: allowances.c[name] - amount for name in ("spent", "granted")}
                self._connection.execute(update(allowances).where(allowances.c.id == row.id).values(changed))

    def _add_days(self, days: _Sums) -> None:
        dialect = postgresql if self._is_partitioned() else sqlite
        for key, sums in days.items():
            row = dialect.insert(rollups).values(
                dict(zip(_KEYS, key, strict=True)) | dict(zip(_COUNTED, sums, strict=True))
            )
            self._connection.execute(
                row.on_conflict_do_update(
                    index_elements=_KEYS, set_={name: rollups.c[name] + row.excluded[name] for name in _COUNTED}
                )
            )

    def _add_checkpoints(self, paid: dict[tuple[str, str], int], now_ms: int, reference: str) -> None:
        rows = [
            {
                "id": new_call_id(now_ms),
                "at_ms": now_ms,
                "account_id": account_id,
                "allowance_id": allowance_id,
                "kind": "checkpoint",
                "amount": amount,
                "actor": "system",
                "reason": "calls older than the retention were dropped",
                "reference": reference,
            }
            for (account_id, allowance_id), amount in paid.items()
        ]
        if rows:
            self._connection.execute(insert(entries), rows)


def _first_id(moment_ms: int) -> str:
    return f"{max(moment_ms, 0):012x}"
