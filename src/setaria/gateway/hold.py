"""Hold: what one call has taken of its account's allowances, from admission to its end.

Theory. A hold is open until it is settled or released, once, by whoever comes first; leaving its `with` block releases
it. While output is seen it grows by slices of `SLICE_TOKENS`, a little ahead of what is said:

    state       at `limit_tokens`                                      becomes
    covering    takes the next slice, here or from the books            covering, asking
    asking      the call waits for the books                            covering, short
    short       the call ends: it has said one slice more than is paid  -

A call is paid by the term, the window and the month of its admission. One that runs over their end takes nothing of the
next ones, and is not cut for it: what it then lacks is charged to the old ones when it is settled.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, Self

import msgspec

from setaria.core.errors import SetariaError
from setaria.core.usage import Usage
from setaria.domain.ledger.allowances import Charge, write_charges
from setaria.domain.ledger.funds import Fund, Lease, Line, Part, Parts
from setaria.domain.ledger.leases import Debit, WantKind, period_of
from setaria.domain.ledger.limit_notice import MinuteLimits
from setaria.domain.ledger.tariff import Tariff, charge
from setaria.gateway.desk import Desk
from setaria.gateway.footing import SLICE_TOKENS, Footing, Scope

AHEAD_TOKENS = 64
"""A hold grows so long before what it covers is said, so that asking the books costs the call no time."""

UNBOUNDED = 1 << 62
Cover = Literal["covered", "waiting", "exhausted"]
_LIMITS = 3


class Priced:
    """A fund that pays for tokens, and what was taken of it so far."""

    __slots__ = ("fund", "held", "parts")

    def __init__(self, fund: Fund, parts: Parts) -> None:
        self.fund = fund
        self.parts: list[Part] = [*parts]
        self.held = 0
        for _, amount in parts:
            self.held += amount

    def has_ended(self, now_ms: int) -> bool:
        """Tell whether the term, window or month that pays is over; of money the next purse pays then."""
        lease, kind = self.parts[0][0], self.fund.kind
        if kind == "cap":
            return lease.period != period_of(kind, now_ms)
        return kind != "money" and lease.ends_at_ms is not None and lease.ends_at_ms <= now_ms

    def add(self, parts: Parts) -> None:
        """Keep what was taken more."""
        for part in parts:
            self.parts.append(part)
            self.held += part[1]


class Bill(msgspec.Struct, frozen=True, gc=False):
    """What a call costs and who pays it: as its row says it, and as it is taken."""

    amount: int = 0
    charges: str = ""
    debits: tuple[Debit, ...] = ()


_NOTHING = Bill()


class Hold:
    """What one call holds; `covered_tokens` of output are paid for, at `limit_tokens` something has to be done."""

    covered_tokens = UNBOUNDED
    limit_tokens = UNBOUNDED
    must_stream = False
    _requests: Parts = ()
    _tokens: Parts = ()
    _slot: Parts = ()
    _priced: tuple[Priced, ...] = ()
    _overdraft = ""
    _task: asyncio.Task[None] | None = None
    shortage: SetariaError | None = None
    """Why nothing more is to be had, for a call that has asked."""
    _is_open = True

    def __init__(self, desk: Desk, scope: Scope, footing: Footing) -> None:
        self._desk = desk
        self._scope = scope
        self._footing = footing
        self.at_ms = scope.at_ms
        self.notice = footing.notice

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_open:
            self.release()

    def begin(self, taken: Sequence[Parts], covered_tokens: int) -> None:
        """Keep what was taken of the footing's lines, which covers so much output.

        Order: before anything else, once.
        """
        limits, payers = self._footing.limits, self._footing.payers
        if limits is not None:
            self._requests, self._tokens, self._slot = taken[:_LIMITS]
            limits.requests.fund.use_up(self._requests)
            taken = taken[_LIMITS:]
        if payers:
            self._priced = tuple(map(Priced, payers, taken))
            self._cover(covered_tokens)

    def overdraw(self, allowance_id: str) -> None:
        """Charge this allowance without holding anything of it, as accounts that are not prepaid are."""
        self._overdraft = allowance_id

    def measure(self, wished_tokens: int) -> None:
        """Find how much output is covered, once enough for so much was asked for."""
        scope, price = self._scope, self._footing.price
        wished_tokens = min(wished_tokens, scope.max_output_tokens)
        covered = [_covered(scope, price, each.held, wished_tokens) for each in self._growing()]
        self._cover(min(covered, default=UNBOUNDED))

    def cover_whole(self) -> None:
        """Cover all that the call may say, for an answer that can't be seen while it comes; else it must stream."""
        if self.covered_tokens < UNBOUNDED:
            self.must_stream = not self._take(self._scope.max_output_tokens)

    def known_limits(self) -> MinuteLimits | None:
        """Tell what is left of the limits of the call's minute, as this worker last knew; None where there are none.

        What calls under way hold counts as used.
        """
        limits = self._footing.limits
        if limits is None or not self._requests or not self._tokens:
            return None
        requests, tokens = self._requests[0][0], self._tokens[0][0]  # of one minute there is only one lease
        now_ms = max(self._scope.at_ms, requests.period)  # it may have waited for the next minute
        rpm = limits.requests.limit or 0
        return MinuteLimits(rpm, requests.left + requests.idle, limits.tpm, tokens.left + tokens.idle, now_ms)

    def known_purse(self) -> tuple[WantKind, int] | None:
        """Tell what is left of what pays for this call first, by the last that this worker has learned; None: nothing
        pays ahead.
        """
        if not self._priced:
            return None
        fund = self._priced[0].fund
        left = fund.held
        for lease in fund.leases:
            left += lease.left + lease.idle
        return fund.kind, left

    def _cover(self, tokens: int) -> None:
        self.covered_tokens = UNBOUNDED if tokens >= self._scope.max_output_tokens else tokens
        self.limit_tokens = max(self.covered_tokens - AHEAD_TOKENS, 1)

    # ---- growing

    def cover(self, said_tokens: int, wake: Callable[[], None]) -> Cover:
        """See that so much output is covered, once `limit_tokens` are said; `wake` is told what the books answer.

        Cost: a slice of what lies here 3 us, every 256 tokens.
        """
        if self.shortage is not None:
            return "exhausted"
        if self._task is not None:
            return "waiting"
        missing_tokens = said_tokens + AHEAD_TOKENS + 1 - self.covered_tokens
        wanted = self.covered_tokens + -(-missing_tokens // SLICE_TOKENS) * SLICE_TOKENS
        if self._take(min(wanted, self._scope.max_output_tokens)):
            return "covered"
        self.limit_tokens = self.covered_tokens + SLICE_TOKENS
        self._task = asyncio.get_running_loop().create_task(self._ask(wanted, wake))
        return "covered" if said_tokens < self.limit_tokens else "waiting"

    def _growing(self) -> list[Priced]:
        """Give those who pay for what is said from now on."""
        now_ms = self._desk.clerk.now_ms()
        return [each for each in self._priced if not each.has_ended(now_ms)]

    def _lines(self, growing: Sequence[Priced], output_tokens: int, least: int | None) -> list[Line]:
        """Give what is lacking for so much output."""
        cost = self._scope.cost(self._footing.price, output_tokens)
        lines: list[Line] = []
        for each in growing:
            lacking = max(0, cost - each.held)
            lines.append(Line(each.fund, lacking if least is None else min(least, lacking), lacking, each.held))
        return lines

    def _take(self, output_tokens: int) -> bool:
        """Take what is lacking out of what lies here."""
        growing = self._growing()
        taken = self._desk.take(self._lines(growing, output_tokens, None)) if growing else []
        if taken is not None:
            self._add_parts(growing, taken, output_tokens)
        return taken is not None

    async def _ask(self, output_tokens: int, wake: Callable[[], None]) -> None:
        growing = self._growing()
        try:
            taken = await self._desk.obtain(self._lines(growing, output_tokens, 1))
        except SetariaError as error:
            self.shortage = error
        else:
            self._add_parts(growing, taken, output_tokens)
        finally:
            self._task = None
        if self.shortage is not None:
            self.limit_tokens = self.covered_tokens + SLICE_TOKENS
        wake()

    def _add_parts(self, growing: Sequence[Priced], taken: Sequence[Parts], wished_tokens: int) -> None:
        now_ms = self._desk.clerk.now_ms()
        for each, parts in zip(growing, taken, strict=True):
            if each.has_ended(now_ms):  # while the books were asked: this may be of the next window
                self._desk.put_back(each.fund, parts)
            else:
                each.add(parts)
        self.measure(wished_tokens)

    # ---- ending

    def settle(self, usage: Usage) -> Bill:
        """Pay for what the call took, and give the rest back; an open hold only.

        Cost: hot path; 4 us.
        """
        self._close(usage.total_tokens)
        if not self._footing.is_priced:
            return _NOTHING
        cost = charge(self._footing.price, usage, self._scope.at_ms)
        amount = 0
        debits: list[Debit] = []
        charges: list[Charge] = []
        if self._overdraft and cost:
            amount = cost
            debits.append(Debit("", self._overdraft, 0, cost, 0, overdraws=True))
            charges.append(Charge(self._overdraft, cost))
        for each in self._priced:
            paid = self._pay(each, cost)
            debits += paid
            if each.fund.kind != "cap":
                amount = cost
                charges += [Charge(debit.allowance_id, debit.amount) for debit in paid]
        return Bill(amount, write_charges(charges), tuple(debits))

    def refund(self) -> None:
        """Put back what `settle` took, for a call that is not on the books after all."""
        for each in self._priced:
            for lease, amount in each.parts:
                lease.idle += amount
            each.parts.clear()

    def release(self) -> None:
        """Give everything back, for a call that is refused; an open hold only."""
        self._close(0)
        for each in self._priced:
            self._desk.put_back(each.fund, each.parts)
            each.parts.clear()

    def _close(self, used_tokens: int) -> None:
        """Give the slot back, and put the minute's tokens right: what was not used comes back, what was used beyond is
        lacking to the next.
        """
        self._is_open = False
        if self._task is not None:
            self._task.cancel()
        limits = self._footing.limits
        if limits is None:
            return
        self._desk.put_back(limits.in_flight.fund, self._slot, limits.in_flight.limit)
        for lease, _ in self._tokens[:1]:
            lease.idle -= used_tokens
            lease.used += used_tokens
        self._desk.put_back(limits.tokens, self._tokens, limits.tpm)

    def _pay(self, priced: Priced, cost: int) -> list[Debit]:
        """Pay from what is held, in order, then from what lies here; the last allowance owes the rest.

        After the end of a term, window or month what lies here is for the calls of the next.
        What is left among the parts is what was paid of each lease.
        """
        fund = priced.fund
        if cost > priced.held and not priced.has_ended(self._desk.clerk.now_ms()):
            priced.add(self._desk.take_up_to(fund, cost - priced.held))
        rest, last = cost, priced.parts[-1][0] if priced.parts else None
        leased: dict[Lease, int] = {}
        unused: list[Part] = []
        for lease, amount in priced.parts:
            paid = min(rest, amount)
            rest -= paid
            leased[lease] = leased.get(lease, 0) + paid
            fund.held -= paid
            if paid < amount:
                unused.append((lease, amount - paid))
        if unused:
            self._desk.put_back(fund, unused)
        priced.parts = [*leased.items()]
        debits = []
        for lease, paid in priced.parts:
            beyond = rest if lease is last else 0
            if paid or beyond:
                debits.append(Debit(lease.worker_id, lease.allowance_id, lease.period, paid + beyond, paid))
        return debits


def _covered(scope: Scope, price: Tariff, held: int, wished_tokens: int) -> int:
    """Tell how much output is paid for by what is held, beside the prompt, up to what was wished."""
    if scope.cost(price, wished_tokens) <= held:
        return wished_tokens
    low, high = 0, wished_tokens
    while low < high:
        middle = (low + high + 1) // 2
        if scope.cost(price, middle) <= held:
            low = middle
        else:
            high = middle - 1
    return low
