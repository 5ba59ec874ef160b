"""Entries: movements of allowances that are no calls, as actions write them into the ledger."""

import msgspec

from setaria.core.ids import new_entry_id
from setaria.domain.ledger.allowances import Allowance, Entry, EntryKind
from setaria.management.books import MoneyBooks

OPERATOR = "operator"
SYSTEM = "system"


class Payment(msgspec.Struct, frozen=True):
    """An amount that somebody moves, and why; `reference` names what it belongs to, such as a code."""

    amount_nano: int
    reason: str = ""
    actor: str = OPERATOR
    reference: str = ""


def add_entry(
    books: MoneyBooks, allowance: Allowance, kind: EntryKind, payment: Payment, entry_id: str | None = None
) -> Entry:
    """Write a movement of an allowance into the ledger, as of now."""
    now_ms = books.clock.now_ms()
    entry = Entry(
        id=entry_id or new_entry_id(now_ms),
        at_ms=now_ms,
        account_id=allowance.account_id,
        allowance_id=allowance.id,
        kind=kind,
        amount=payment.amount_nano,
        actor=payment.actor,
        reason=payment.reason.strip(),
        reference=payment.reference,
    )
    books.purses.add_entry(entry)
    return entry
