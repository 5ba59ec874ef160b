"""Installation: what an empty database begins with."""

import msgspec

from setaria.core.clock import Clock
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.ports import AccountBook
from setaria.domain.accounts.records import Limits
from setaria.management.accounts import create_account
from setaria.management.keys import create_key

DEFAULT_ACCOUNT = "default"
FIRST_KEY = "first"


def add_default_account(book: AccountBook, clock: Clock) -> None:
    """Make the operator's own account, unless it is there."""
    if book.find_account(DEFAULT_ACCOUNT) is None:
        account = create_account(book, clock, DEFAULT_ACCOUNT)
        book.change_account(msgspec.structs.replace(account, billing="postpaid", limits=Limits(unlimited=True)))


def set_up_installation(book: AccountBook, clock: Clock, ring: SecretRing) -> str | None:
    """Make the operator's own account and its first key, unless there is an account, or any key, already.

    Gives: the text of the key if it was made now.
    """
    add_default_account(book, clock)
    if book.list_keys(None):
        return None
    return create_key(book, clock, ring, DEFAULT_ACCOUNT, FIRST_KEY)[1]
