"""Purse keeping: puts purses right where time alone has changed something: what has ended, and what ended gifts owe.

It happens at each action on the account's money, and every few minutes for all of them.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance, AllowanceKind
from setaria.domain.ledger.purses import PURSE_KINDS, pay_in, take_out
from setaria.management.books import MoneyBooks
from setaria.management.entries import SYSTEM, Payment, add_entry

_KINDS: tuple[AllowanceKind, ...] = ("cash", "gift", "plan")
AT_ONCE = 500
"""So many rows are put right in one transaction, so that calls never wait long for them."""

Begin = Callable[[], AbstractContextManager[MoneyBooks]]


class Kept(msgspec.Struct, frozen=True):
    """How many gifts and terms were expired, and how many accounts have paid what their gifts owed."""

    expired: int
    cleared: int


def keep_purses(begin: Begin) -> Kept:
    """Put right the purses of all accounts; done again it changes nothing."""
    expired = cleared = 0
    while True:
        with begin() as books:
            count = _expire(books, books.over.lock_over(None, AT_ONCE))
        expired += count
        if count < AT_ONCE:
            break
    with begin() as books:
        debtors = books.over.list_debtors()
    for account_id in debtors:
        with begin() as books:
            cleared += clear_gift_debts(books, account_id)
    return Kept(expired, cleared)


def expire(books: MoneyBooks, account_id: AccountId) -> int:
    """Take what is left out of an account's gifts and terms that have ended, by an entry each; gives how many it were.

    What workers still hold of them for calls under way comes back later, and is taken out then.
    """
    books.purses.lock_allowances(account_id, _KINDS)  # at once, in the order that everybody keeps
    return _expire(books, books.over.lock_over(account_id, AT_ONCE))


def _expire(books: MoneyBooks, rows: Sequence[Allowance]) -> int:
    for row in rows:
        books.purses.change_allowance(take_out(row, row.available))
        reason = f"ended at {iso_from_ms((row.ends_at_ms or 0) - 1)}"
        add_entry(books, row, "expire", Payment(-row.available, reason, SYSTEM))
    return len(rows)


def clear_gift_debts(books: MoneyBooks, account_id: AccountId) -> bool:
    """Let an account's cash pay what its gifts owe, as far as it goes; gives whether it paid anything.

    A gift owes where a call was charged to it when its worker had been given up and nothing was left of it.
    Worked: cash 5, a gift with debt 2: cash 3, and no debt; an entry of -2 and one of 2.
    """
    rows = books.purses.lock_allowances(account_id, PURSE_KINDS)
    cash = next(row for row in rows if row.kind == "cash")
    has_paid = False
    for gift in rows:
        amount = min(gift.debt, max(cash.available, 0))
        if gift.kind == "gift" and amount:
            has_paid = True
            cash = take_out(cash, amount)
            books.purses.change_allowance(cash)
            books.purses.change_allowance(pay_in(gift, amount))
            reason = "cash pays what a gift owes"
            add_entry(books, cash, "adjust", Payment(-amount, reason, SYSTEM, gift.id))
            add_entry(books, gift, "adjust", Payment(amount, reason, SYSTEM, cash.id))
    return has_paid
