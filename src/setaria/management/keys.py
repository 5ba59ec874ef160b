"""Keys: what people do with API keys."""

from setaria.core.clock import Clock
from setaria.core.errors import NotFound
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.keys import key_secrets_from_ring, make_key
from setaria.domain.accounts.ports import AccountBook
from setaria.domain.accounts.records import Key
from setaria.management.accounts import MAX_NAME_LENGTH, check_name, find_account


def create_key(book: AccountBook, clock: Clock, ring: SecretRing, account: str, name: str) -> tuple[Key, str]:
    """Make a key for an account, given by its id or name.

    Gives: the key, and its text, which nobody can tell again later.
    Raises: NotFound when there is no such account; InvalidRequest when the name can't be one.
    """
    owner = find_account(book, account)
    key, text = make_key(key_secrets_from_ring(ring), owner.id, check_name(name), clock.now_ms())
    book.add_key(key)
    return key, text


def list_keys(book: AccountBook, account: str | None) -> list[Key]:
    """List the keys of an account, given by id or name, or with None of all; oldest first, revoked ones too.

    Raises: NotFound when there is no such account.
    """
    return book.list_keys(None if account is None else find_account(book, account).id)


def revoke_key(book: AccountBook, clock: Clock, key_id: str) -> Key:
    """Revoke a key for good; within a second no worker takes it any more. Revoking it again changes nothing.

    Raises: NotFound when there is no such key.
    """
    key = book.find_key(key_id)
    if key is None:
        raise NotFound(f"there is no key {key_id[:MAX_NAME_LENGTH]!r}; `setaria keys list` shows the ids of all keys")
    book.revoke_key(key.account_id, key.id, clock.now_ms())
    return book.find_key(key_id) or key
