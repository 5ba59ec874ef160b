"""Accounts: what people do with accounts."""

import unicodedata

from setaria.core.clock import Clock
from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.ids import new_account_id
from setaria.domain.accounts.ports import AccountBook
from setaria.domain.accounts.records import Account

MAX_NAME_LENGTH = 100


def create_account(book: AccountBook, clock: Clock, name: str) -> Account:
    """Make an account.

    Raises: InvalidRequest when the name is empty, too long, not printable or taken.
    """
    plain = check_name(name)
    if book.find_account(plain) is not None:
        raise InvalidRequest(f"there is already an account {plain!r}; take another name", param="name")
    account = Account(id=new_account_id(), name=plain, status="active", created_at_ms=clock.now_ms())
    book.add_account(account)
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


def check_name(name: str) -> str:
    """Give a name without spaces around it.

    Raises: InvalidRequest when nothing is left of it, it has over 100 characters or one that can't be printed.
    """
    plain = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(plain) <= MAX_NAME_LENGTH or not plain.isprintable():
        raise InvalidRequest(f"a name has 1 to {MAX_NAME_LENGTH} printable characters", param="name")
    return plain
