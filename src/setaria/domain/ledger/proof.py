"""Proof: what must be true of the books at every moment, and what contradicts it.

All rules are about numbers that were written by different statements at different times, so a mistake in any of them
shows. They hold between transactions, while servers run too.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from setaria.domain.ledger.allowances import Allowance, AllowanceKind, Entry, read_charges

_GRANTED_BY_ENTRIES: frozenset[AllowanceKind] = frozenset({"cash", "gift", "plan"})
_SPENT_BY_CALLS: frozenset[AllowanceKind] = frozenset({"cash", "gift", "plan", "window"})
_MONEY: frozenset[AllowanceKind] = frozenset({"cash", "gift"})


class Fault(msgspec.Struct, frozen=True):
    """A row that contradicts another; `id` is the allowance's or the call's."""

    id: str
    rule: str
    account: str
    says: str


class ChargedCall(msgspec.Struct, frozen=True):
    """What a call's row says of its price."""

    id: str
    at_ms: int
    account_id: str
    model: str
    charge_nano: int
    charge_millicredits: int
    charges: str


class UpstreamSum(msgspec.Struct, frozen=True):
    """What the calls of one day (ISO date, UTC) and model took at an upstream; input tokens are of all classes."""

    day: str
    model: str
    calls: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


class Books(msgspec.Struct, frozen=True):
    """Everything that the rules compare, as it is at one moment.

    `leased` is what workers hold, by allowance and period. `prepaid` are the accounts that may not owe without debt.
    """

    allowances: tuple[Allowance, ...]
    leased: Mapping[tuple[str, int], int]
    entries: Iterable[Entry]
    calls: Iterable[ChargedCall]
    prepaid: frozenset[str]


class Proof(msgspec.Struct, frozen=True):
    """How much was looked at, and all that contradicts the rules."""

    allowances: int
    entries: int
    calls: int
    faults: tuple[Fault, ...]


def prove(books: Books) -> Proof:
    """Hold the books against every rule.

    available + leases + spent - debt = granted, for everything that is kept in periods too.
    granted = the sum of the entries, for cash, gifts and plans; entries of the kind `checkpoint` stand for calls.
    spent = the sum of what calls and checkpoints took.
    A call's charge is what its allowances paid, to the last unit. No prepaid purse is below zero, and no debt; a limit
    is, when it was lowered below what is used of it.
    """
    kinds = {allowance.id: allowance.kind for allowance in books.allowances}
    granted: dict[str, int] = {}
    spent: dict[str, int] = {}
    faults: list[Fault] = []
    entries = calls = 0
    for entry in books.entries:
        entries += 1
        side = spent if entry.kind == "checkpoint" else granted
        side[entry.allowance_id] = side.get(entry.allowance_id, 0) + entry.amount
        if entry.allowance_id not in kinds:
            faults.append(Fault(entry.id, "entry", entry.account_id, f"names no allowance: {entry.allowance_id}"))
    for call in books.calls:
        calls += 1
        faults += _prove_call(call, kinds)
        for part in read_charges(call.charges):
            spent[part.allowance_id] = spent.get(part.allowance_id, 0) + part.amount
    for allowance in books.allowances:
        faults += _prove_allowance(allowance, books, granted.get(allowance.id, 0), spent.get(allowance.id, 0))
    faults += _prove_leases(books, kinds)
    return Proof(len(books.allowances), entries, calls, tuple(faults))


def _prove_allowance(allowance: Allowance, books: Books, granted: int, spent: int) -> Iterator[Fault]:
    leased = books.leased.get((allowance.id, allowance.period), 0)
    held = allowance.available + leased + allowance.spent - allowance.debt
    if held != allowance.granted:
        yield _fault(
            allowance,
            "sum",
            f"available {allowance.available} + leased {leased} + spent {allowance.spent} - debt {allowance.debt} = "
            f"{held}, but granted is {allowance.granted}",
        )
    if allowance.kind in _GRANTED_BY_ENTRIES and granted != allowance.granted:
        yield _fault(allowance, "granted", f"granted is {allowance.granted}, but the entries sum to {granted}")
    if allowance.kind in _SPENT_BY_CALLS and spent != allowance.spent:
        yield _fault(allowance, "spent", f"spent is {allowance.spent}, but calls and checkpoints sum to {spent}")
    may_be_negative = allowance.kind not in _SPENT_BY_CALLS or allowance.account_id not in books.prepaid
    if allowance.debt < 0 or (allowance.available < 0 and not may_be_negative):
        yield _fault(allowance, "negative", f"available is {allowance.available}, debt is {allowance.debt}")


def _prove_call(call: ChargedCall, kinds: Mapping[str, AllowanceKind]) -> Iterator[Fault]:
    parts = read_charges(call.charges)
    for part in parts:
        if part.allowance_id not in kinds:
            yield Fault(call.id, "call", call.account_id, f"was paid by no allowance: {part.allowance_id}")
    money = sum(part.amount for part in parts if kinds.get(part.allowance_id) in _MONEY)
    credits_paid = sum(part.amount for part in parts if kinds.get(part.allowance_id) == "plan")
    if (money, credits_paid) != (call.charge_nano, call.charge_millicredits):
        yield Fault(
            call.id,
            "call",
            call.account_id,
            f"cost {call.charge_nano} nano-units and {call.charge_millicredits} milli-credits, but its allowances paid "
            f"{money} and {credits_paid}",
        )


def _prove_leases(books: Books, kinds: Mapping[str, AllowanceKind]) -> Iterator[Fault]:
    for (allowance_id, period), amount in books.leased.items():
        if allowance_id not in kinds:
            yield Fault(allowance_id, "lease", "", f"{amount} are leased of an allowance that is not there")
        elif amount < 0:
            yield Fault(allowance_id, "lease", "", f"the leases of period {period} sum to {amount}")


def _fault(allowance: Allowance, rule: str, says: str) -> Fault:
    return Fault(allowance.id, rule, allowance.account_id, f"{allowance.kind} {allowance.scope}: {says}")
