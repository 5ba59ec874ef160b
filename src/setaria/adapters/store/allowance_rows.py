"""Allowance rows: allowances as scripts read, lock and write them."""

from collections.abc import Collection

from setaria.adapters.store.script import Dialect, Rows, Say, Script, places
from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance

Key = tuple[AccountId, str, str]
"""Account, kind and scope."""

EVERY_SCOPE = "*"
"""Stands for the scopes of all gifts of an account: each gift has its own."""

SPAN_KINDS = ("plan", "window")
"""Kinds that have a row for each term or window."""

_COLUMNS = ", ".join(Allowance.__struct_fields__)


def lock_allowances(
    dialect: Dialect, keys: Collection[Key], ids: Collection[str], now_ms: int = 0
) -> Script[dict[str, Allowance]]:
    """Read allowances by key or id, in the order of their ids, and keep others from changing them.

    All scripts that take several take them in this order, so that no two wait for each other.
    """
    if not keys and not ids:
        return {}
    conditions: list[str] = []
    values: list[object] = []
    for key in sorted(keys):
        account_id, kind, scope = key
        start = len(values)
        condition = f"account_id = ${start + 1} AND kind = ${start + 2}"
        values += (account_id, kind)
        if scope != EVERY_SCOPE:
            condition += f" AND scope = ${start + 3}"
            values.append(scope)
            if kind in SPAN_KINDS:  # the old ones stay
                condition += f" AND ends_at_ms > ${start + 4}"
                values.append(now_ms)
        elif kind == "gift":
            condition += " AND (available > 0 OR debt > 0)"  # old gifts pile up
        conditions.append(f"({condition})")
    if ids:
        conditions.append(f"id IN ({places(len(ids), len(values) + 1)})")
        values += sorted(ids)
    found: Rows = yield Say(
        # Made of our own names and numbered places.
        f"SELECT {_COLUMNS} FROM allowances WHERE {' OR '.join(conditions)} ORDER BY id{dialect.lock}",
        tuple(values),
    )
    return {row[0]: Allowance(*row) for row in found}


def write_allowance(row: Allowance) -> Say:
    """Write the numbers of an allowance that is locked."""
    return Say(
        "UPDATE allowances SET period = $2, available = $3, granted = $4, spent = $5, debt = $6 WHERE id = $1",
        (row.id, row.period, row.available, row.granted, row.spent, row.debt),
    )


def insert_allowance(row: Allowance) -> Say:
    """Make an allowance, unless it is there."""
    return Say(
        f"INSERT INTO allowances ({_COLUMNS}) VALUES ({places(len(Allowance.__struct_fields__))}) "
        "ON CONFLICT (account_id, kind, scope, period) DO NOTHING",
        tuple(getattr(row, name) for name in Allowance.__struct_fields__),
    )
