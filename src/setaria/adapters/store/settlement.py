"""Settlement: calls as the group commit takes them, and what they do to allowances and leases, as one script.

What the calls of a batch take from one allowance is summed first: a batch costs two statements an allowance, however
many calls are in it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from setaria.adapters.store.allowance_rows import lock_allowances, write_allowance
from setaria.adapters.store.columns import CallValues, values_from_call
from setaria.adapters.store.script import Dialect, Say, Script, places
from setaria.core.ids import CallId
from setaria.domain.ledger.leases import Debit, charge_beyond, use_up
from setaria.domain.ledger.records import CallRecord

OnRefused = Callable[[CallId, str], None]

LATE = "late"
"""The note on a call whose lease was gone when it was settled."""

DEBT = "debt"
"""The note on a call that took more than there was."""


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """A call that is to be written, with what it takes; `oddity` says why it is to be looked at, empty: it is not."""

    call: CallRecord
    debits: tuple[Debit, ...]
    values: CallValues
    oddity: str = ""


class _Sum:
    """What a batch takes from one worker's lease on one allowance in one period."""

    def __init__(self) -> None:
        self.amount = 0
        self.leased = 0
        self.overdrawn = 0
        self.call_ids: list[str] = []
        self.beyond_ids: list[str] = []


_Place = tuple[str, int, str]


def settlement_of(call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> Settlement:
    """Prepare a call for the group commit."""
    return Settlement(call, debits, values_from_call(call), oddity)


def apply_debits(dialect: Dialect, settlements: Iterable[Settlement]) -> Script[None]:
    """Take what calls that were just inserted cost from their leases, or where there is none from the allowances."""
    sums: dict[_Place, _Sum] = {}
    for settlement in settlements:
        for debit in settlement.debits:
            place = (debit.allowance_id, debit.period, debit.worker_id)
            found = sums.get(place)
            if found is None:
                found = sums[place] = _Sum()
            found.amount += debit.amount
            found.leased += debit.leased
            found.overdrawn += debit.amount if debit.overdraws else 0
            found.call_ids.append(str(settlement.call.id))
            if debit.amount > debit.leased:
                found.beyond_ids.append(str(settlement.call.id))
    if not sums:
        return
    yield from _keep_workers(dialect, {worker_id for _, _, worker_id in sums})
    for place in sorted(sums):
        yield from _apply(dialect, place, sums[place])


def quarantine(settlements: Sequence[Settlement], reason: str = "") -> Script[None]:
    """Keep calls that are to be looked at: those with an oddity, or with a reason all of them."""
    for settlement in settlements:
        if reason or settlement.oddity:
            yield Say(
                "INSERT INTO quarantine (call_id, at_ms, reason, entry) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (call_id) DO NOTHING",
                (settlement.call.id, settlement.call.at_ms, reason or settlement.oddity, _entry_of(settlement)),
            )


def _keep_workers(dialect: Dialect, worker_ids: Collection[str]) -> Script[None]:
    """Keep workers from being swept meanwhile, on the engine where that could be."""
    named = sorted(worker_id for worker_id in worker_ids if worker_id)
    if dialect.share and named:
        yield Say(
            f"SELECT id FROM workers WHERE id IN ({places(len(named))}) ORDER BY id{dialect.share}",
            tuple(named),
        )


def _apply(dialect: Dialect, place: _Place, total: _Sum) -> Script[None]:
    allowance_id, period, _ = place
    paid = 0
    if total.leased:
        paid = yield from _pay_from_lease(place, total.leased)
    beyond = total.amount - paid
    if not beyond:
        yield Say(
            "UPDATE allowances SET spent = spent + $2 WHERE id = $1 AND period = $3", (allowance_id, paid, period)
        )
        return
    rows = yield from lock_allowances(dialect, (), {allowance_id})
    row = rows.get(allowance_id)
    if (
        row is not None and row.period == period
    ):  # one whose period is over has begun anew: nothing is left to take from
        overdrawn = min(beyond, total.overdrawn)
        changed = charge_beyond(use_up(row, paid), overdrawn, overdraws=True)
        changed = charge_beyond(changed, beyond - overdrawn, overdraws=False)
        yield write_allowance(changed)
        if changed.debt > row.debt and row.kind != "cap":  # nobody owes what is beyond a key's own cap
            yield from _note(total.beyond_ids, DEBT)
    if paid < total.leased:
        yield from _note(total.call_ids, LATE)


def _note(call_ids: list[str], note: str) -> Script[None]:
    """Write on the rows of calls why they are not as others, once, whichever of their allowances says so."""
    for call_id in call_ids:
        yield Say(
            "UPDATE calls SET note = TRIM(note || ' ' || $2) WHERE id = $1 AND ' ' || note || ' ' NOT LIKE $3",
            (call_id, note, f"% {note} %"),
        )


def _pay_from_lease(place: _Place, leased: int) -> Script[int]:
    """Shrink a lease, by as much as there is of it; gives by how much."""
    where = "WHERE allowance_id = $1 AND period = $2 AND worker_id = $3"
    left = yield Say(
        f"UPDATE leases SET amount = amount - $4 {where} AND amount >= $4 RETURNING amount", (*place, leased)
    )
    if left:
        if left[0][0] == 0:
            yield Say(f"DELETE FROM leases {where}", place)
        return leased
    rest = yield Say(f"DELETE FROM leases {where} RETURNING amount", place)
    return int(rest[0][0]) if rest else 0


def _entry_of(settlement: Settlement) -> str:
    """Write a call as JSON, whatever is in it: msgspec refuses numbers and texts that are just what is to be seen."""
    debits = [msgspec.structs.asdict(debit) for debit in settlement.debits]
    call = msgspec.structs.asdict(settlement.call) | {"usage": msgspec.structs.asdict(settlement.call.usage)}
    return json.dumps({"call": call, "debits": debits}, default=repr)
