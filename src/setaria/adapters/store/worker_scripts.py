"""Worker scripts: how workers come, stay, and are given up, as transactions of either engine."""

from setaria.adapters.store.allowance_rows import lock_allowances, write_allowance
from setaria.adapters.store.script import Dialect, Rows, Say, Script, places
from setaria.adapters.store.trade_script import CALL_PERIOD
from setaria.domain.ledger.leases import MINUTE_KINDS, Gone, Pulse, take_back, use_up

ALIVE_MS = 20_000
"""A worker counts when slices are cut while it was seen within this time: after it, it does not spend any more."""

READ_HUNGRY = f"SELECT DISTINCT allowance_id FROM leases WHERE period = {CALL_PERIOD} AND worker_id <> $1"


def enter(dialect: Dialect, worker_id: str, node: str) -> Script[Pulse]:
    """Put a worker on the books, in place of any other of the same node: that one is known to be dead."""
    dead = yield Say("DELETE FROM workers WHERE node = $1 AND id <> $2 RETURNING id", (node, worker_id))
    yield from _sweep(dialect, [row[0] for row in dead])
    yield Say(
        "INSERT INTO workers (id, node, started_at_ms, seen_at_ms) "
        f"VALUES ($1, $2, {dialect.now_ms}, {dialect.now_ms}) ON CONFLICT (id) DO NOTHING",
        (worker_id, node),
    )
    return (yield from _pulse(dialect))


def renew(dialect: Dialect, worker_id: str) -> Script[Pulse | Gone]:
    """Note that a worker lives."""
    found = yield Say(f"UPDATE workers SET seen_at_ms = {dialect.now_ms} WHERE id = $1 RETURNING id", (worker_id,))
    if not found:
        return Gone()
    return (yield from _pulse(dialect))


def sweep(dialect: Dialect, unseen_ms: int) -> Script[int]:
    """Give up the workers that were not seen for so long; gives how many."""
    dead = yield Say(
        f"DELETE FROM workers WHERE seen_at_ms < {dialect.now_ms} - CAST($1 AS BIGINT) RETURNING id", (unseen_ms,)
    )
    yield from _sweep(dialect, [row[0] for row in dead])
    return len(dead)


def sweep_all(dialect: Dialect) -> Script[int]:
    """Give up every worker on the books, of which the caller knows that none lives; gives how many."""
    dead = yield Say("DELETE FROM workers RETURNING id")
    yield from _sweep(dialect, [row[0] for row in dead])
    return len(dead)


def leave(dialect: Dialect, worker_id: str) -> Script[None]:
    """Give up a worker that ends by itself."""
    yield Say("DELETE FROM workers WHERE id = $1 RETURNING id", (worker_id,))
    yield from _sweep(dialect, [worker_id])


def _pulse(dialect: Dialect) -> Script[Pulse]:
    rows = yield Say(
        f"SELECT {dialect.now_ms}, COUNT(*) FROM workers WHERE seen_at_ms >= {dialect.now_ms} - CAST($1 AS BIGINT)",
        (ALIVE_MS,),
    )
    now_ms, workers = rows[0]
    return Pulse(now_ms, max(workers, 1))


def _sweep(dialect: Dialect, worker_ids: list[str]) -> Script[None]:
    """Put the leases of workers that are off the books back to their allowances.

    What they leased of a minute counts as used: it may have been.
    """
    if not worker_ids:
        return
    swept: Rows = yield Say(
        f"DELETE FROM leases WHERE worker_id IN ({places(len(worker_ids))}) RETURNING allowance_id, period, amount",
        tuple(worker_ids),
    )
    rows = yield from lock_allowances(dialect, (), {row[0] for row in swept})
    for allowance_id, period, amount in swept:
        row = rows.get(allowance_id)
        if row is not None and row.period == period and amount:
            change = use_up if row.kind in MINUTE_KINDS else take_back
            rows[allowance_id] = change(row, amount)
            yield write_allowance(rows[allowance_id])
