"""Funds: what one worker holds of allowances, in memory, and how calls take from it.

A fund is one line of one account (its money, its requests a minute on a model, ...): a chain of leases in the order in
which they are spent. Of a lease, `idle` is free, the rest is with calls or waits to be settled. A new epoch of the
worker, or a new minute, drops leases; calls that still hold parts of them give these back to nobody.
"""

from collections.abc import Iterable

import msgspec

from setaria.domain.ledger.leases import MINUTE_KINDS, GiveBack, Grant, Short, Want

Part = tuple["Lease", int]
Parts = tuple[Part, ...]


NOT_SHORT = Short(0, 0, 0)


class Lease:
    """What the worker has of one allowance in one period; `used` is what calls used up without a settlement."""

    __slots__ = ("allowance_id", "ends_at_ms", "idle", "left", "period", "used", "worker_id")

    def __init__(self, worker_id: str, grant: Grant) -> None:
        self.worker_id = worker_id
        self.allowance_id = grant.allowance_id
        self.period = grant.period
        self.ends_at_ms = grant.ends_at_ms
        self.idle = 0
        self.used = 0
        self.left = grant.left

    def is_good(self, period: int, now_ms: int) -> bool:
        """Tell whether calls that begin now may spend from it."""
        return self.period == period and (self.ends_at_ms is None or self.ends_at_ms > now_ms)


class Fund:
    """One line of one account; `want` names it.

    `held` is what calls under way have of it. `short` is the last refusal of the books,
    and `short_until_s` how long there is no use in asking again.
    """

    __slots__ = (
        "held",
        "is_of_minute",
        "kind",
        "leases",
        "limit",
        "short",
        "short_until_s",
        "touched_s",
        "waiters",
        "want",
    )

    def __init__(self, want: Want) -> None:
        self.want = want
        self.kind = want.kind
        self.is_of_minute = want.kind in MINUTE_KINDS
        self.limit = want.limit
        self.leases: list[Lease] = []
        self.held = 0
        self.touched_s = 0.0
        self.short = NOT_SHORT
        self.short_until_s = 0.0
        self.waiters = 0

    def idle(self, period: int, now_ms: int) -> int:
        """Sum what is free."""
        return sum(lease.idle for lease in self.leases if lease.is_good(period, now_ms))

    def take(self, least: int, wish: int, period: int, now_ms: int) -> Parts | None:
        """Take what a call wishes, or all there is if that is at least `least`; None when it is not."""
        parts: list[Part] = []
        rest = wish
        for lease in self.leases:
            amount = min(rest, lease.idle)
            if amount > 0 and lease.is_good(period, now_ms):
                parts.append((lease, amount))
                rest -= amount
        if wish - rest < least:
            return None
        for lease, amount in parts:
            lease.idle -= amount
        self.held += wish - rest
        return tuple(parts)

    def put_back(self, parts: Iterable[Part]) -> None:
        """Take back what a call took and did not use."""
        for lease, amount in parts:
            lease.idle += amount
            self.held -= amount

    def use_up(self, parts: Iterable[Part]) -> None:
        """Note that what a call took is used."""
        for lease, amount in parts:
            lease.used += amount
            self.held -= amount

    def note_short(self, short: Short, until_s: float) -> None:
        """Keep what the books refused, and how long not to ask again."""
        self.short = short
        self.short_until_s = until_s

    def receive(self, worker_id: str, grants: Iterable[Grant]) -> None:
        """Add what was leased; the grants are of all allowances of the chain, in their order."""
        known = {(lease.allowance_id, lease.period): lease for lease in self.leases}
        chain: list[Lease] = []
        for grant in grants:
            lease = known.pop((grant.allowance_id, grant.period), None)
            if lease is None:
                lease = Lease(worker_id, grant)
            lease.idle += grant.amount
            lease.left = grant.left
            chain.append(lease)
        chain += [lease for lease in known.values() if lease.idle or lease.used]  # what has ended goes back
        self.leases = chain
        self.short_until_s = 0.0

    def collect(self) -> list[GiveBack]:
        """Take all that is free out of the leases, to be given back, and what is lacking, to be made up for."""
        returns = []
        for lease in self.leases:
            if lease.idle or lease.used:
                returns.append(GiveBack(lease.allowance_id, lease.period, lease.idle, lease.used))
                lease.left += lease.idle
                lease.idle = lease.used = 0
        return returns


class Line(msgspec.Struct, frozen=True, gc=False):
    """What a call needs of a fund: all it wishes, or what there is, but at least `least`; it has `own` already.

    `limit` is the one that the call stands under, where calls on the same fund may stand under others: None elsewhere.
    """

    fund: Fund
    least: int
    wish: int
    own: int = 0
    limit: int | None = None

    @property
    def due_limit(self) -> int | None:
        """The limit that the books are asked under."""
        return self.fund.limit if self.limit is None else self.limit

    @property
    def is_other(self) -> bool:
        """Whether what lies here was leased under another limit."""
        return self.due_limit != self.fund.limit
