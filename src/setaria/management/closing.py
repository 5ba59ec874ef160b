"""Closing: the end of an account."""

import msgspec

from setaria.core.errors import InvalidRequest
from setaria.core.money import decimal_from_nano
from setaria.domain.accounts.records import Account, Limits
from setaria.domain.ledger.allowances import Allowance, Entry
from setaria.domain.ledger.purses import PURSE_KINDS, SPENT_KINDS, take_out
from setaria.management.accounts import find_open_account
from setaria.management.books import MoneyBooks, currency_of
from setaria.management.entries import Payment, add_entry
from setaria.management.installation import DEFAULT_ACCOUNT
from setaria.management.plans import PlanBooks, end_plan, find_plan
from setaria.management.purses import count_refundable

_REASON = "account closed"


class Closed(msgspec.Struct, frozen=True):
    """An account that was closed, and what its owner gets back."""

    account: Account
    refund_nano: int


def close_account(books: PlanBooks, account: str) -> Closed:
    """Close an account for good: its keys are revoked, its purses emptied, its name and address blanked.

    What was paid in and is not spent is to be paid back; the rest, such as gifts and a plan, is forfeited. The ledger
    stays.
    Order: inside `with_calls_drained`, so that no call of it is under way.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed, the operator's own, or owes money.
    """
    found = find_open_account(books.accounts, account)
    if found.name == DEFAULT_ACCOUNT:
        raise InvalidRequest("the account default is the operator's own and can't be closed")
    locked = books.purses.lock_allowances(found.id, SPENT_KINDS)  # at once, in the order that everybody keeps
    purses = [each for each in locked if each.kind in PURSE_KINDS]
    owed = sum(purse.debt - min(purse.available, 0) for purse in purses)
    if owed:
        raise InvalidRequest(
            f"the account {found.id} owes {decimal_from_nano(owed)} {currency_of(books)}; top it up by as much, "
            "or adjust it"
        )
    refund_nano = sum(count_refundable(books, purse) for purse in purses if purse.kind == "cash")
    for purse in purses:
        if purse.available:
            _empty(books, purse)
    plan = find_plan(books, found.id)
    if plan is not None and not plan.has_ended:
        end_plan(books, found.id)
    _revoke_keys(books, found)
    closed = msgspec.structs.replace(found, name=found.id, email="", status="closed", limits=Limits())
    books.accounts.change_account(closed)
    return Closed(closed, refund_nano)


def _empty(books: MoneyBooks, purse: Allowance) -> Entry:
    """Take everything out of a purse; of cash the entry says how much is to be paid back."""
    reason = _REASON
    if purse.kind == "cash":
        reason += f"; {decimal_from_nano(count_refundable(books, purse))} {currency_of(books)} to be paid back"
    books.purses.change_allowance(take_out(purse, purse.available))
    return add_entry(books, purse, "close", Payment(-purse.available, reason))


def _revoke_keys(books: MoneyBooks, account: Account) -> None:
    now_ms = books.clock.now_ms()
    for key in books.keys.list_keys(account.id):
        revoked_at_ms = now_ms if key.revoked_at_ms is None else key.revoked_at_ms
        books.keys.change_key(msgspec.structs.replace(key, name="", revoked_at_ms=revoked_at_ms))
