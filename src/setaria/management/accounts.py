"""Accounts: what people do with accounts."""

import re
import unicodedata
from collections.abc import Mapping

import msgspec

from setaria.core.clock import Clock
from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.ids import new_account_id, new_allowance_id
from setaria.domain.accounts.ports import AccountBook
from setaria.domain.accounts.records import Account, AccountStatus, Billing, Limits, ModelLimits
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.ports import PurseBook

MAX_NAME_LENGTH = 100
_MAX_EMAIL_LENGTH = 254
_MAX_LIMIT = 10**12
_HIGHEST = ModelLimits(rpm=_MAX_LIMIT, tpm=_MAX_LIMIT, in_flight=_MAX_LIMIT)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def create_account(
    accounts: AccountBook, purses: PurseBook, clock: Clock, name: str, email: str = "", billing: Billing = "prepaid"
) -> Account:
    """Make an account, with an empty purse of cash.

    Raises: InvalidRequest when the name is empty, too long, not printable or taken, or the e-mail address can't be one.
    """
    plain = check_name(name)
    if accounts.find_account(plain) is not None:
        raise InvalidRequest(f"there is already an account {plain!r}; take another name", param="name")
    account = Account(
        id=new_account_id(),
        name=plain,
        status="active",
        created_at_ms=clock.now_ms(),
        email=check_email(email),
        billing=billing,
    )
    accounts.add_account(account)
    purses.add_allowance(Allowance(new_allowance_id(), account.id, "cash", "", 0, 0, 0, 0, 0))
    return account


def list_accounts(book: AccountBook) -> list[Account]:
    """List all accounts, oldest first."""
    return book.list_accounts()


def find_account(book: AccountBook, account: str) -> Account:
    """Find an account by its id or its name.

    Raises: NotFound when there is none.
    """
    found = book.find_account(account)
    if found is None:
        raise NotFound(f"there is no account {account[:MAX_NAME_LENGTH]!r}; `setaria accounts list` shows them all")
    return found


def find_open_account(book: AccountBook, account: str) -> Account:
    """Find an account by its id or its name, to change it.

    Raises: NotFound when there is none; InvalidRequest when it is closed.
    """
    found = find_account(book, account)
    if found.status == "closed":
        raise InvalidRequest(f"the account {found.id} is closed; nothing of it can be changed", param="account")
    return found


def suspend_account(book: AccountBook, account: str) -> Account:
    """Suspend an account: within a second its keys are refused; calls under way finish. Again changes nothing.

    Raises: NotFound when there is none; InvalidRequest when it is closed.
    """
    return _change_status(book, find_open_account(book, account), "suspended")


def resume_account(book: AccountBook, account: str) -> Account:
    """End an account's suspension. Again changes nothing.

    Raises: NotFound when there is none; InvalidRequest when it is closed.
    """
    return _change_status(book, find_open_account(book, account), "active")


def set_limits(book: AccountBook, account: str, model: str | None, given: Mapping[str, int]) -> Account:
    """Set limits of an account, on one model or with None on every one; those that are not given stay as they are.

    Takes: model, its id; given, the limits by name: `rpm`, `tpm`, `in_flight`.

    Of an account that was without limits, those that are not given are the highest there can be, so that none begins
    that nobody asked for. Workers know them within a second.
    Worked: lifted, then `rpm` 5 on `seedling`: 5 requests, 10**12 tokens and 10**12 calls there, and 10**12 elsewhere.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed, or a limit not 1 to 10**12.
    """
    found = find_open_account(book, account)
    for name, limit in given.items():
        if not 1 <= limit <= _MAX_LIMIT:
            raise InvalidRequest(f"{name} is {limit}; allowed: 1 to {_MAX_LIMIT}", param=name)
    before = Limits(every=_HIGHEST) if found.limits.unlimited else found.limits
    if model is None:
        limits = msgspec.structs.replace(before, every=msgspec.structs.replace(before.every, **given))
    else:
        own = msgspec.structs.replace(before.models.get(model, ModelLimits()), **given)
        limits = msgspec.structs.replace(before, models=before.models | {model: own})
    return _change(book, found, msgspec.structs.replace(found, limits=limits))


def reset_limits(book: AccountBook, account: str, model: str | None) -> Account:
    """Go back to the platform's limits; on one model, given by its id, to those that the account has on every one.

    Raises: NotFound when there is no such account; InvalidRequest when it is closed.
    """
    found = find_open_account(book, account)
    if model is None:
        return _change(book, found, msgspec.structs.replace(found, limits=Limits()))
    models = {name: own for name, own in found.limits.models.items() if name != model}
    return _change(
        book, found, msgspec.structs.replace(found, limits=msgspec.structs.replace(found.limits, models=models))
    )


def lift_limits(book: AccountBook, account: str) -> Account:
    """Take all limits off an account.

    Raises: NotFound when there is no such account; InvalidRequest when it is closed.
    """
    found = find_open_account(book, account)
    return _change(book, found, msgspec.structs.replace(found, limits=Limits(unlimited=True)))


def check_email(email: str) -> str:
    """Give an e-mail address without spaces around it; an empty one is none.

    Raises: InvalidRequest when it can't be one.
    """
    plain = email.strip()
    if plain and (not _EMAIL.fullmatch(plain) or not plain.isprintable() or len(plain) > _MAX_EMAIL_LENGTH):
        raise InvalidRequest(f"{plain[:MAX_NAME_LENGTH]!r} is no e-mail address", param="email")
    return plain


def check_name(name: str) -> str:
    """Give a name without spaces around it.

    Raises: InvalidRequest when nothing is left of it, it has over 100 characters or one that can't be printed.
    """
    plain = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(plain) <= MAX_NAME_LENGTH or not plain.isprintable():
        raise InvalidRequest(f"a name has 1 to {MAX_NAME_LENGTH} printable characters", param="name")
    return plain


def _change_status(book: AccountBook, found: Account, status: AccountStatus) -> Account:
    return _change(book, found, msgspec.structs.replace(found, status=status))


def _change(book: AccountBook, found: Account, wanted: Account) -> Account:
    if wanted != found:
        book.change_account(wanted)
    return wanted
