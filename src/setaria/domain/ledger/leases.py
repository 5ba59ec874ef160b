"""Leases: the rules by which workers take slices of allowances, give them back, and pay out of them.

A worker holds a lease on an allowance and spends from it without asking anybody. For every allowance, between any two
transactions: available + its leases + spent - debt = granted.

| what happens | available | leases | spent | debt |
|---|---|---|---|---|
| a slice n is leased | -n | +n | | |
| a remainder n comes back; a lease n is swept | +n, but debt first | -n | | -what it pays |
| a call is charged c, of which l from its lease | -(c - l), as far as it goes | -l | +c | +the rest |
| u of a minute are used, of which l are leased | -(u - l) | -l | +u | |
| a minute begins | the limit | 0 | 0 | 0 |
"""

import datetime
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from setaria.core.ids import AccountId
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.allowances import Allowance

MINUTE_MS = 60_000
SWEEP_S = 60
"""A worker that was not seen for so long is given up: three times as long as it may spend without being seen."""

SHARES = 4
"""A slice is what is left, divided by this many for each live worker, if the call does not need more."""

WantKind = Literal["money", "cap", "plan", "window", "rpm", "tpm", "in_flight"]
MINUTE_KINDS = ("rpm", "tpm")
MONEY_KINDS = ("gift", "cash")
PAID_KINDS = ("money", "cap", "plan", "window")
"""What calls are paid from; it is not leased while the account's leases are called home."""


class Want(msgspec.Struct, frozen=True):
    """One line of what a call needs: at least `least`, and if there is as much `wish`, of one kind.

    `money` is all gifts and the cash of the account together. `limit` is what the allowance grants in its period where
    no entry does; None elsewhere. `is_new`: the asking worker has not seen the allowance, it may have to be made.
    `times` are those of a plan's window, which is opened where none is.
    """

    account_id: AccountId
    kind: WantKind
    scope: str
    least: int
    wish: int
    limit: int | None = None
    is_new: bool = False
    times: WindowTimes | None = None


Ask = tuple[Want, ...]
"""The lines of one call: it gets all of them or none."""


class GiveBack(msgspec.Struct, frozen=True):
    """What a worker returns of a lease: `idle` was not used; `used` was, where no settlement says so (minutes).

    An `idle` below zero is what of the used was beyond the lease.
    """

    allowance_id: str
    period: int
    idle: int
    used: int = 0


class Trade(msgspec.Struct, frozen=True):
    """One exchange of leases between a worker and the books; `number` makes that it happens once."""

    number: int
    workers: int
    asks: tuple[Ask, ...] = ()
    returns: tuple[GiveBack, ...] = ()


class Grant(msgspec.Struct, frozen=True):
    """A slice (or none, amount 0) of an allowance, and what is left there."""

    allowance_id: str
    period: int
    amount: int
    left: int
    ends_at_ms: int | None = None


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """What an ask got, a tuple of grants for each of its wants, in the order in which they are to be spent."""

    grants: tuple[tuple[Grant, ...], ...]


class Short(msgspec.Struct, frozen=True, tag="short"):
    """An ask got nothing, because of its want number `want`: `left` is there, `elsewhere` is with other workers.

    `debt` is what the account owes; while it does it gets no money. What is elsewhere is called for: who has some free
    returns it.
    """

    want: int
    left: int
    elsewhere: int
    debt: int = 0
    ends_at_ms: int | None = None


class Traded(msgspec.Struct, frozen=True):
    """What came of a trade, an answer for each ask."""

    answers: tuple[Granted | Short, ...] = ()


class Pulse(msgspec.Struct, frozen=True):
    """A worker's row was renewed at this moment of the database's clock; so many workers live."""

    now_ms: int
    workers: int


class Gone(msgspec.Struct, frozen=True):
    """The worker was given up: its leases belong to nobody, and whatever it still holds of them is void."""


class Debit(msgspec.Struct, frozen=True, gc=False):
    """What the settlement of a call takes from an allowance in a period, `leased` of it from the worker's lease.

    The rest, or all when the lease is gone, comes from what is available, and what is not there either is debt; with
    `overdraws` the available may go below zero instead, as it does for accounts that are not prepaid.
    """

    worker_id: str
    allowance_id: str
    period: int
    amount: int
    leased: int
    overdraws: bool = False


def period_of(kind: WantKind, now_ms: int) -> int:
    """Tell when the period that holds at a moment began: the minute, the month (UTC) of a cap, 0 for what has none."""
    if kind in MINUTE_KINDS:
        return now_ms - now_ms % MINUTE_MS
    if kind == "cap":
        moment = datetime.datetime.fromtimestamp(now_ms / 1000, tz=datetime.UTC)
        month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return round(month.timestamp()) * 1000
    return 0


def renew_allowance(row: Allowance, period: int, limit: int) -> Allowance:
    """Let a limit's row stand for this period, and grant what the limit is now.

    Worked: limit 100, used up to 30 left; lowered to 60 in the same minute: -10 left, so nothing until the next one. A
    cap of 10, of which 30 were spent, debt 20; raised to 40: 10 left, no debt.
    """
    if row.period < period:
        return msgspec.structs.replace(row, period=period, available=limit, granted=limit, spent=0, debt=0)
    if row.granted != limit:
        more = limit - row.granted
        made_up = min(row.debt, max(more, 0))
        return msgspec.structs.replace(
            row, granted=limit, available=row.available + more - made_up, debt=row.debt - made_up
        )
    return row


def order_purses(rows: Iterable[Allowance], now_ms: int) -> list[Allowance]:
    """Put an account's purses in the order in which calls use them: gifts by their end, then cash; ended ones never."""
    good = [row for row in rows if row.ends_at_ms is None or row.ends_at_ms > now_ms]
    return sorted(good, key=lambda row: (row.kind != "gift", row.ends_at_ms is None, row.ends_at_ms or 0, row.id))


def slice_amounts(want: Want, chain: Sequence[Allowance], workers: int | None) -> tuple[int, ...] | None:
    """Tell how much of each allowance of a chain to lease, the first ones first; None when there is not `least`.

    Takes: workers, how many share what is left; None when only what the call wishes is to be leased.
    Worked: 1,000 left, 2 workers, a call that wishes 20: 125. One that wishes 200: 200. 150 left, it needs 20 and
    wishes 200: 150.
    """
    left = sum(max(row.available, 0) for row in chain)
    if left < want.least:
        return None
    share = 0 if workers is None else left // (SHARES * workers)
    rest = min(left, max(want.wish, share))
    amounts = []
    for row in chain:
        amount = min(rest, max(row.available, 0))
        amounts.append(amount)
        rest -= amount
    return tuple(amounts)


def lease_out(row: Allowance, amount: int) -> Allowance:
    """Take a slice out of what is available."""
    return msgspec.structs.replace(row, available=row.available - amount)


def take_back(row: Allowance, amount: int) -> Allowance:
    """Put what comes back from a lease to what is available, after the debt is paid."""
    paid = min(row.debt, amount)
    return msgspec.structs.replace(row, available=row.available + amount - paid, debt=row.debt - paid)


def use_up(row: Allowance, amount: int) -> Allowance:
    """Book as spent what comes out of a lease."""
    return msgspec.structs.replace(row, spent=row.spent + amount)


def book_return(row: Allowance, returned: GiveBack) -> Allowance:
    """Book what a worker returns; what was used beyond the lease is lacking, so that the available may go below zero.

    Worked: 100 available, of a lease of 30 come back 10, and 20 were used: 110 available, 20 more spent. 150 were used,
    -120 come back: -20 available, 150 more spent.
    """
    beyond = max(-returned.idle, 0)
    booked = use_up(take_back(row, max(returned.idle, 0)), returned.used - beyond)
    return charge_beyond(booked, beyond, overdraws=True)


def charge_beyond(row: Allowance, amount: int, *, overdraws: bool) -> Allowance:
    """Charge what no lease covers: from what is available, and the rest as debt.

    Worked: 30 available, 50 to charge: 0 available, 20 debt, 50 more spent. Overdrawing: -20 available, no debt.
    """
    taken = amount if overdraws else min(amount, max(row.available, 0))
    return msgspec.structs.replace(
        row, available=row.available - taken, debt=row.debt + amount - taken, spent=row.spent + amount
    )
