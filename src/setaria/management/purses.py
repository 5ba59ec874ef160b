"""Purses: what people do with the money of accounts; each action leaves one entry per purse that it moves."""

import msgspec

from setaria.core.errors import InvalidRequest
from setaria.core.ids import AccountId, new_allowance_id, new_entry_id
from setaria.core.money import decimal_from_nano
from setaria.domain.accounts.records import Account
from setaria.domain.ledger.allowances import Allowance, Entry, EntryKind, EntryRow
from setaria.domain.ledger.purses import Balance, Purse, balance_of, is_spent_and_over, pay_in, take_out
from setaria.management.accounts import find_account, find_open_account
from setaria.management.books import MoneyBooks, currency_of
from setaria.management.entries import Payment, add_entry
from setaria.management.purse_keeping import clear_gift_debts, expire

MAX_REASON_LENGTH = 200
_MAX_ENTRIES = 10_000


class Statement(msgspec.Struct, frozen=True):
    """An account with its purses, as of now; `given_nano` is what each gift was, whatever it owed and was paid."""

    account: Account
    purses: list[Purse]
    balance: Balance
    given_nano: dict[str, int]


def top_up(books: MoneyBooks, account: str, payment: Payment, kind: EntryKind = "topup") -> Entry:
    """Put money into an account's cash; it pays the account's debt first, also that of gifts.

    Raises: NotFound when there is no such account; InvalidRequest when it is closed or the amount is not above 0.
    """
    owner = find_open_account(books.accounts, account)
    _check(books, payment)
    expire(books, owner.id)
    cash = lock_cash(books, owner.id)
    books.purses.change_allowance(pay_in(cash, payment.amount_nano))
    entry = add_entry(books, cash, kind, payment)
    clear_gift_debts(books, owner.id)
    return entry


def give(books: MoneyBooks, account: str, payment: Payment, ends_at_ms: int | None) -> Entry:
    """Give a prepaid account an amount for calls, which is used before its cash and can't be paid out.

    Workers know of it within a second.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed or postpaid, or the amount is not
    above 0.
    """
    owner = find_open_account(books.accounts, account)
    if owner.billing != "prepaid":  # its calls hold no money, and are charged to its cash when all is said
        message = f"the account {owner.id} is postpaid and can't use a gift; top up its cash instead"
        raise InvalidRequest(message, param="account")
    _check(books, payment)
    expire(books, owner.id)
    now_ms, amount = books.clock.now_ms(), payment.amount_nano
    entry_id = new_entry_id(now_ms)
    gift = Allowance(new_allowance_id(), owner.id, "gift", entry_id, 0, amount, amount, 0, 0, ends_at_ms)
    books.purses.add_allowance(gift)
    return add_entry(books, gift, "gift", payment, entry_id)


def adjust(books: MoneyBooks, account: str, payment: Payment) -> Entry:
    """Correct an account's cash up or down; down at most to 0, unless it is postpaid.

    Order: inside `with_leases_home`, so that nothing of the cash is out with workers.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed, there is not so much or no reason.
    """
    owner = find_open_account(books.accounts, account)
    amount = payment.amount_nano
    if not payment.reason.strip():
        raise InvalidRequest("an adjustment needs a reason", param="reason")
    _check(books, msgspec.structs.replace(payment, amount_nano=abs(amount)))
    cash = lock_cash(books, owner.id)
    if amount > 0:
        books.purses.change_allowance(pay_in(cash, amount))
        return add_entry(books, cash, "adjust", payment)
    if owner.billing == "prepaid" and -amount > cash.available:
        raise InvalidRequest(
            f"the account {owner.id} has {_show(books, cash.available)} of cash; "
            f"it can't be adjusted by {_show(books, amount)}",
            param="amount",
        )
    books.purses.change_allowance(take_out(cash, -amount))
    return add_entry(books, cash, "adjust", payment)


def refund(books: MoneyBooks, account: str, payment: Payment) -> Entry:
    """Take out of an account's cash what is paid back: at most what was paid in and is not spent.

    Order: inside `with_leases_home`, so that nothing of the cash is out with workers.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed or the amount is too high.
    """
    owner = find_open_account(books.accounts, account)
    _check(books, payment)
    cash = lock_cash(books, owner.id)
    most = count_refundable(books, cash)
    if payment.amount_nano > most:
        raise InvalidRequest(
            f"at most {_show(books, most)} can be refunded to the account {owner.id}: what was paid and is not spent",
            param="amount",
        )
    books.purses.change_allowance(take_out(cash, payment.amount_nano))
    return add_entry(books, cash, "refund", _negative(payment))


def list_entries(books: MoneyBooks, account: str, limit: int) -> list[EntryRow]:
    """List an account's newest entries, newest first.

    Raises: NotFound when there is no such account; InvalidRequest when the limit is not 1 to 10,000.
    """
    if not 1 <= limit <= _MAX_ENTRIES:
        raise InvalidRequest(f"limit is {limit}; allowed: 1 to {_MAX_ENTRIES}", param="limit")
    return books.purses.list_entries(find_account(books.accounts, account).id, limit)


def show_account(books: MoneyBooks, account: str) -> Statement:
    """Show an account and what it has; a gift that is over, and of which nothing is left, is only in the ledger.

    Raises: NotFound when there is none.
    """
    found, now_ms = find_account(books.accounts, account), books.clock.now_ms()
    purses = [purse for purse in books.purses.list_purses(found.id) if not is_spent_and_over(purse, now_ms)]
    gifts = [purse.allowance.id for purse in purses if purse.allowance.kind == "gift"]
    given_nano = {gift_id: books.purses.sum_entries(found.id, gift_id, ("gift",)) for gift_id in gifts}
    return Statement(found, purses, balance_of(purses, now_ms), given_nano)


def lock_cash(books: MoneyBooks, account_id: AccountId) -> Allowance:
    """Give an account's cash, which nobody else changes until the transaction ends."""
    return books.purses.lock_allowances(account_id, ("cash",))[0]


def count_refundable(books: MoneyBooks, cash: Allowance) -> int:
    """Tell how much of an account's cash was paid in and is not spent.

    Worked: 20 topped up, 5 by a redeem code, 8 spent: of the 17 left, 17 can be paid back; had nothing been spent, 20.
    """
    paid = books.purses.sum_entries(cash.account_id, cash.id, ("topup", "refund"))
    return max(0, min(cash.available, paid))


def _check(books: MoneyBooks, payment: Payment) -> None:
    if payment.amount_nano <= 0:
        raise InvalidRequest(f"the amount is {_show(books, payment.amount_nano)}; it must be above 0", param="amount")
    if len(payment.reason) > MAX_REASON_LENGTH or not payment.reason.isprintable():
        raise InvalidRequest(f"a reason has up to {MAX_REASON_LENGTH} printable characters", param="reason")


def _negative(payment: Payment) -> Payment:
    return msgspec.structs.replace(payment, amount_nano=-payment.amount_nano)


def _show(books: MoneyBooks, amount_nano: int) -> str:
    return f"{decimal_from_nano(amount_nano)} {currency_of(books)}"
