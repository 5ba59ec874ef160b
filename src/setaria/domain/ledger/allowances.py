"""Allowances: everything that can be used up, as whole numbers; the one mechanism of money and limits.

For each allowance, at every moment between transactions: available + its leases + spent - debt = granted.

| kind | unit | scope | period |
|---|---|---|---|
| `cash` | nano-units of the currency | empty | 0 |
| `gift` | nano-units | the entry that gave it | 0; `ends_at_ms` where it expires |
| `plan` | milli-credits | the subscription | the first moment of the term |
| `window` | milli-credits | `subscription/term/number of the window` | the moment at which the window opened |
| `cap` | nano-units | the key | the first moment of the month (UTC) |
| `rpm` | requests | the model | the first moment of the minute |
| `tpm` | tokens | the model | the first moment of the minute |
| `in_flight` | calls | the model | 0 |
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from setaria.core.ids import AccountId

AllowanceKind = Literal["cash", "gift", "plan", "window", "cap", "rpm", "tpm", "in_flight"]

EntryKind = Literal[
    "topup", "gift", "redeem", "adjust", "refund", "purchase", "grant", "compensation", "expire", "close", "checkpoint"
]
"""What moved an allowance where it was no call: the kinds of the ledger's entries."""


class Allowance(msgspec.Struct, frozen=True):
    """One row of the table `allowances`."""

    id: str
    account_id: AccountId
    kind: AllowanceKind
    scope: str
    period: int
    available: int
    granted: int
    spent: int
    debt: int
    ends_at_ms: int | None = None


class Entry(msgspec.Struct, frozen=True):
    """A movement of an allowance that is no call, in the allowance's unit; who did it and why."""

    id: str
    at_ms: int
    account_id: AccountId
    allowance_id: str
    kind: EntryKind
    amount: int
    actor: str
    reason: str
    reference: str = ""


class EntryRow(msgspec.Struct, frozen=True):
    """An entry as it is listed, with the kind of its allowance."""

    entry: Entry
    allowance_kind: AllowanceKind


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What one call takes from one allowance, in the period in which the call was admitted."""

    allowance_id: str
    amount: int


def write_charges(charges: Sequence[Charge]) -> str:
    """Write charges as a call's row keeps them. Example: `al_1:12500 al_2:300`; nothing is the empty text."""
    return " ".join([f"{charge.allowance_id}:{charge.amount}" for charge in charges])


def read_charges(text: str) -> tuple[Charge, ...]:
    """Read what `write_charges` wrote."""
    pairs = (part.rsplit(":", 1) for part in text.split(" ") if part)
    return tuple(Charge(allowance_id, int(amount)) for allowance_id, amount in pairs)
