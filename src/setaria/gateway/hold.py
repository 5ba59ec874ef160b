"""Hold: what one call has taken of its account's allowances, from admission to its end.

Theory. A hold is open until it is settled or released, once, by whoever comes first; leaving its `with` block releases
it. While output is seen it grows by slices of `SLICE_TOKENS`, a little ahead of what is said:

    state       at `limit_tokens`                                      becomes
    covering    takes the next slice, here or from the books            covering, asking
    asking      the call waits for the books                            covering, short
    short       the call ends: it has said one slice more than is paid  -
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Self

from setaria.core.errors import SetariaError
from setaria.core.usage import Usage
from setaria.domain.ledger.allowances import Charge, write_charges
from setaria.domain.ledger.funds import Fund, Lease, Parts
from setaria.domain.ledger.leases import MINUTE_KINDS, Debit, WantKind
from setaria.domain.ledger.limit_notice import MinuteLimits
from setaria.domain.ledger.tariff import Tariff, charge
from setaria.gateway.desk import Desk, Line

SLICE_TOKENS = 256
AHEAD_TOKENS = 64
"""A hold grows so long before what it covers is said, so that asking the books costs the call no time."""

UNBOUNDED = 1 << 62
Cover = Literal["covered", "waiting", "exhausted"]


class Scope(NamedTuple):
    """What a call may take at most: the estimate of its prompt, all that it may say, and when it began."""

    input_tokens: int
    max_output_tokens: int
    at_ms: int

    def cost(self, tariff: Tariff, output_tokens: int) -> int:
        """Tell what the prompt and so much output cost, by the estimate; never nothing, so that a lease is named."""
        return max(1, charge(tariff, Usage(input_tokens=self.input_tokens, output_tokens=output_tokens), self.at_ms))


class Priced:
    """A line that pays for tokens, and what was taken for it so far."""

    def __init__(self, fund: Fund, tariff: Tariff, parts: Parts) -> None:
        self.fund = fund
        self.tariff = tariff
        self.parts = list(parts)

    @property
    def held(self) -> int:
        """Sum what is held."""
        return sum(amount for _, amount in self.parts)


class Bill(NamedTuple):
    """What a call costs and who pays it: as its row says it, and as it is taken."""

    amount: int = 0
    charges: str = ""
    debits: tuple[Debit, ...] = ()


class Hold:
    """What one call holds; `covered_tokens` of output are paid for, at `limit_tokens` something has to be done."""

    def __init__(self, desk: Desk, scope: Scope) -> None:
        self.covered_tokens = UNBOUNDED
        self.limit_tokens = UNBOUNDED
        self.must_stream = False
        self._desk = desk
        self._scope = scope
        self._slots: list[tuple[Fund, Parts]] = []
        self._minute: list[tuple[Fund, Lease]] = []
        self._tokens: list[tuple[Fund, Parts]] = []
        self._priced: list[Priced] = []
        self._overdraft: tuple[str, Tariff] | None = None
        self._paid: list[tuple[Lease, int]] = []
        self._task: asyncio.Task[None] | None = None
        self._is_short = False
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def add(self, fund: Fund, parts: Parts) -> None:
        """Keep what was taken of a limit."""
        match fund.want.kind:
            case "rpm":
                fund.use_up(parts)
                self._note_minute(fund, parts)
            case "tpm":
                self._tokens.append((fund, parts))
                self._note_minute(fund, parts)
            case _:
                self._slots.append((fund, parts))

    def add_priced(self, fund: Fund, parts: Parts, tariff: Tariff) -> None:
        """Keep what was taken to pay for tokens by this tariff."""
        self._priced.append(Priced(fund, tariff, parts))

    def overdraw(self, allowance_id: str, tariff: Tariff) -> None:
        """Charge this allowance without holding anything of it, as accounts that are not prepaid are."""
        self._overdraft = (allowance_id, tariff)

    def measure(self, wished_tokens: int) -> None:
        """Find how much output is covered, once enough for so much was asked for.

        Cost: 1.5 us where all that was wished is held, which is nearly always.
        """
        scope = self._scope
        covered = scope.max_output_tokens
        for each in self._priced:
            covered = min(covered, _covered(scope, each, min(wished_tokens, scope.max_output_tokens)))
        self.covered_tokens = UNBOUNDED if covered >= scope.max_output_tokens else covered
        self.limit_tokens = max(self.covered_tokens - AHEAD_TOKENS, 1)

    def cover_whole(self) -> None:
        """Cover all that the call may say, for an answer that can't be seen while it comes; else it must stream."""
        if self.covered_tokens < UNBOUNDED:
            self.must_stream = not self._take(self._scope.max_output_tokens)

    def known_limits(self) -> MinuteLimits | None:
        """Tell what is left of the limits of the call's minute, as this worker last knew; None where there are none.

        What calls under way hold counts as used.
        """
        if len(self._minute) < len(MINUTE_KINDS):
            return None
        (rpm, requests), (tpm, tokens) = self._minute
        now_ms = max(self._scope.at_ms, requests.period)  # it may have waited for the next minute
        return MinuteLimits(
            rpm.limit or 0, requests.left + requests.idle, tpm.limit or 0, tokens.left + tokens.idle, now_ms
        )

    def known_left(self, kind: WantKind) -> int | None:
        """Tell what is left of what pays for this call, by the last that this worker has learned; None: not of it."""
        for priced in self._priced:
            if priced.fund.want.kind == kind:
                return priced.fund.held + sum(lease.left + lease.idle for lease in priced.fund.leases)
        return None

    def _note_minute(self, fund: Fund, parts: Parts) -> None:
        """Keep which lease of its minute the call took from; of one minute there is only one."""
        for lease, _ in parts[:1]:
            self._minute.append((fund, lease))

    # ---- growing

    def cover(self, said_tokens: int, wake: Callable[[], None]) -> Cover:
        """See that so much output is covered, once `limit_tokens` are said; `wake` is told what the books answer.

        Cost: a slice of what lies here 3 us, every 256 tokens.
        """
        if self._is_short:
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

    def _lines(self, output_tokens: int, least: int | None) -> list[Line]:
        """Give what is lacking for so much output."""
        lines = []
        for each in self._priced:
            lacking = max(0, self._scope.cost(each.tariff, output_tokens) - each.held)
            lines.append(Line(each.fund, lacking if least is None else min(least, lacking), lacking, each.held))
        return lines

    def _take(self, output_tokens: int) -> bool:
        """Take what is lacking out of what lies here."""
        taken = self._desk.take(self._lines(output_tokens, None))
        if taken is not None:
            self._add_parts(taken, output_tokens)
        return taken is not None

    async def _ask(self, output_tokens: int, wake: Callable[[], None]) -> None:
        lines = self._lines(output_tokens, 1)
        try:
            taken = await self._desk.obtain(lines)
        except SetariaError:
            self._is_short = True
        else:
            self._add_parts(taken, output_tokens)
        finally:
            self._task = None
        if self._is_short:
            self.limit_tokens = self.covered_tokens + SLICE_TOKENS
        wake()

    def _add_parts(self, taken: Sequence[Parts], wished_tokens: int) -> None:
        for each, parts in zip(self._priced, taken, strict=True):
            each.parts += parts
        self.measure(wished_tokens)

    # ---- ending

    def settle(self, usage: Usage) -> Bill:
        """Pay for what the call took, and give the rest back; an open hold only."""
        self._close()
        self._settle_tokens(usage)
        if self._overdraft is not None:
            return self._bill_overdraft(self._overdraft, usage)
        amount = 0
        debits: list[Debit] = []
        charges: list[Charge] = []
        for each in self._priced:
            cost = charge(each.tariff, usage, self._scope.at_ms)
            paid = self._pay(each, cost)
            debits += paid
            if each.fund.want.kind != "cap":
                amount = cost
                charges += [Charge(debit.allowance_id, debit.amount) for debit in paid]
        return Bill(amount, write_charges(tuple(charges)), tuple(debits))

    def refund(self) -> None:
        """Put back what `settle` took, for a call that is not on the books after all."""
        for lease, amount in self._paid:
            lease.idle += amount

    def release(self) -> None:
        """Give everything back, for a call that is refused; nothing happens when it was settled or released before."""
        if not self._is_open:
            return
        self._close()
        self._settle_tokens(Usage())
        for each in self._priced:
            self._desk.put_back(each.fund, tuple(each.parts))

    def _close(self) -> None:
        self._is_open = False
        if self._task is not None:
            self._task.cancel()
        for fund, parts in self._slots:
            self._desk.put_back(fund, parts)

    def _settle_tokens(self, usage: Usage) -> None:
        """Put the minute's tokens right: what was not used comes back, what was used beyond is lacking to the next."""
        for fund, parts in self._tokens:
            fund.put_back(parts)
            for lease, _ in parts[:1]:
                lease.idle -= usage.total_tokens
                lease.used += usage.total_tokens

    def _pay(self, priced: Priced, cost: int) -> list[Debit]:
        """Pay from what is held, in order, then from what lies here; the last allowance owes the rest."""
        lacking = cost - priced.held
        if lacking > 0:
            for parts in self._desk.take_up_to(priced.fund, lacking):
                priced.parts.append(parts)
        rest = cost
        leased: dict[Lease, int] = {}
        for lease, amount in priced.parts:
            paid = min(rest, amount)
            rest -= paid
            leased[lease] = leased.get(lease, 0) + paid
            priced.fund.held -= paid
            if paid < amount:
                self._desk.put_back(priced.fund, ((lease, amount - paid),))
        debits = []
        for lease, paid in leased.items():
            self._paid.append((lease, paid))
            beyond = rest if lease is priced.parts[-1][0] else 0
            if paid or beyond:
                debits.append(Debit(lease.worker_id, lease.allowance_id, lease.period, paid + beyond, paid))
        return debits

    def _bill_overdraft(self, overdraft: tuple[str, Tariff], usage: Usage) -> Bill:
        allowance_id, tariff = overdraft
        cost = charge(tariff, usage, self._scope.at_ms)
        if not cost:
            return Bill()
        debit = Debit("", allowance_id, 0, cost, 0, overdraws=True)
        return Bill(cost, write_charges((Charge(allowance_id, cost),)), (debit,))


def _covered(scope: Scope, priced: Priced, wished_tokens: int) -> int:
    """Tell how much output is paid for by what is held, beside the prompt, up to what was wished."""
    held, tariff = priced.held, priced.tariff
    if scope.cost(tariff, wished_tokens) <= held:
        return wished_tokens
    low, high = 0, wished_tokens
    while low < high:
        middle = (low + high + 1) // 2
        if scope.cost(tariff, middle) <= held:
            low = middle
        else:
            high = middle - 1
    return low
