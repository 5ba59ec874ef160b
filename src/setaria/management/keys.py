"""Keys: what people do with API keys."""

import msgspec

from setaria.core.errors import NotFound
from setaria.domain.accounts.keys import key_secrets_from_ring, make_key
from setaria.domain.accounts.ports import AccountBook, KeyBook
from setaria.domain.accounts.records import Key
from setaria.management.accounts import MAX_NAME_LENGTH, check_name, find_account, find_open_account
from setaria.management.books import MoneyBooks


def create_key(books: MoneyBooks, account: str, name: str) -> tuple[Key, str]:
    """Make a key for an account, given by its id or name.

    Gives: the key, and its text, which nobody can tell again later.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed, or the name can't be one.
    """
    owner = find_open_account(books.accounts, account)
    key, text = make_key(key_secrets_from_ring(books.ring), owner.id, check_name(name), books.clock.now_ms())
    books.keys.add_key(key)
    return key, text


def list_keys(accounts: AccountBook, keys: KeyBook, account: str | None) -> list[Key]:
    """List the keys of an account, given by id or name, or with None of all; oldest first, revoked ones too.

    Raises: NotFound when there is no such account.
    """
    return keys.list_keys(None if account is None else find_account(accounts, account).id)


def revoke_key(books: MoneyBooks, key_id: str) -> Key:
    """Revoke a key for good; within a second no worker takes it any more. Revoking it again changes nothing.

    Raises: NotFound when there is no such key.
    """
    key = find_key(books.keys, key_id)
    if key.revoked_at_ms is not None:
        return key
    revoked = msgspec.structs.replace(key, revoked_at_ms=books.clock.now_ms())
    books.keys.change_key(revoked)
    return revoked


def find_key(book: KeyBook, key_id: str) -> Key:
    """Find a key by its id.

    Raises: NotFound when there is none.
    """
    key = book.find_key(key_id)
    if key is None:
        raise NotFound(f"there is no key {key_id[:MAX_NAME_LENGTH]!r}; `setaria keys list` shows the ids of all keys")
    return key
