"""Installation: what an empty database begins with."""

import msgspec

from setaria.domain.accounts.records import Limits
from setaria.management.accounts import create_account
from setaria.management.books import MoneyBooks
from setaria.management.keys import create_key

DEFAULT_ACCOUNT = "default"
FIRST_KEY = "first"


def add_default_account(books: MoneyBooks) -> None:
    """Make the operator's own account, unless it is there."""
    if books.accounts.find_account(DEFAULT_ACCOUNT) is None:
        account = create_account(books.accounts, books.purses, books.clock, DEFAULT_ACCOUNT, billing="postpaid")
        books.accounts.change_account(msgspec.structs.replace(account, limits=Limits(unlimited=True)))


def set_up_installation(books: MoneyBooks) -> str | None:
    """Make the operator's own account and its first key, unless there is an account, or any key, already.

    Gives: the text of the key if it was made now.
    """
    add_default_account(books)
    if books.keys.list_keys(None):
        return None
    return create_key(books, DEFAULT_ACCOUNT, FIRST_KEY)[1]
