"""Keys: what people do with API keys."""

import msgspec

from setaria.core.errors import InvalidRequest, NotFound
from setaria.domain.accounts.keys import is_key_text, key_secrets_from_ring, make_key
from setaria.domain.accounts.ports import AccountBook, KeyBook
from setaria.domain.accounts.records import Key, KeyRules
from setaria.management.accounts import MAX_NAME_LENGTH, check_name, find_account, find_open_account
from setaria.management.books import MoneyBooks


class KeyTerms(msgspec.Struct, frozen=True):
    """Until when a key is good (None: for ever), and what it may do."""

    expires_at_ms: int | None = None
    rules: KeyRules = KeyRules()


ANY = KeyTerms()


def create_key(books: MoneyBooks, account: str, name: str, terms: KeyTerms = ANY) -> tuple[Key, str]:
    """Make a key for an account, given by its id or name.

    Gives: the key, and its text, which nobody can tell again later.
    Raises: NotFound when there is no such account; InvalidRequest when it is closed, or the name can't be one.
    """
    owner = find_open_account(books.accounts, account)
    key, text = make_key(key_secrets_from_ring(books.ring), owner.id, check_name(name), books.clock.now_ms())
    key = msgspec.structs.replace(key, expires_at_ms=terms.expires_at_ms, rules=terms.rules)
    books.keys.add_key(key)
    return key, text


def rotate_key(books: MoneyBooks, key_id: str, overlap_ms: int) -> tuple[Key, str]:
    """Make a key in the place of another one, which stays good for the overlap; name, end and rules go over.

    A monthly cap goes on: both count for the same one.
    Gives: the new key, and its text, which nobody can tell again later.
    Raises: NotFound when there is no such key; InvalidRequest when it is not good any more, disabled, rotated already,
        or a plan's.
    """
    old, now_ms = find_key(books.keys, key_id), books.clock.now_ms()
    _check_rotation(old, now_ms)
    key, text = make_key(key_secrets_from_ring(books.ring), old.account_id, old.name, now_ms, old.lane)
    key = msgspec.structs.replace(key, expires_at_ms=old.expires_at_ms, rules=_hand_over(old))
    books.keys.add_key(key)
    if overlap_ms:
        end_ms = now_ms + overlap_ms
        end_ms = end_ms if old.expires_at_ms is None else min(end_ms, old.expires_at_ms)
        rules = msgspec.structs.replace(old.rules, successor=key.id)
        books.keys.change_key(msgspec.structs.replace(old, expires_at_ms=end_ms, rules=rules))
    else:
        books.keys.change_key(msgspec.structs.replace(old, revoked_at_ms=now_ms))
    return key, text


def disable_key(books: MoneyBooks, key_id: str) -> Key:
    """Disable a key until it is enabled: within a second no worker takes it. Again changes nothing.

    Raises: NotFound when there is no such key.
    """
    key = find_key(books.keys, key_id)
    if key.disabled_at_ms is not None:
        return key
    return _change(books, msgspec.structs.replace(key, disabled_at_ms=books.clock.now_ms()))


def enable_key(books: MoneyBooks, key_id: str) -> Key:
    """Let a disabled key be used again. Again changes nothing.

    Raises: NotFound when there is no such key; InvalidRequest when it is revoked.
    """
    key = find_key(books.keys, key_id)
    if key.revoked_at_ms is not None:
        raise InvalidRequest(f"the key {key.id} is revoked for good; make another: setaria keys create")
    return key if key.disabled_at_ms is None else _change(books, msgspec.structs.replace(key, disabled_at_ms=None))


def delete_key(books: MoneyBooks, key_id: str) -> Key:
    """Revoke a key and list it no more; the calls that were made with it stay on the books, with its name.

    Raises: NotFound when there is no such key.
    """
    key, now_ms = find_key(books.keys, key_id), books.clock.now_ms()
    revoked_at_ms = now_ms if key.revoked_at_ms is None else key.revoked_at_ms
    return _change(books, msgspec.structs.replace(key, revoked_at_ms=revoked_at_ms, deleted_at_ms=now_ms))


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
    return _change(books, msgspec.structs.replace(key, revoked_at_ms=books.clock.now_ms()))


def find_key(book: KeyBook, key_id: str) -> Key:
    """Find a key by its id.

    Raises: NotFound when there is none; InvalidRequest when the text is a key itself, which no message repeats.
    """
    if is_key_text(key_id):
        raise InvalidRequest(
            f"that is a key, not its id; `setaria keys list` shows the ids: find it by its last four, {key_id[-4:]}"
        )
    key = book.find_key(key_id)
    if key is None:
        raise NotFound(f"there is no key {key_id[:MAX_NAME_LENGTH]!r}; `setaria keys list` shows the ids of all keys")
    return key


def _check_rotation(old: Key, now_ms: int) -> None:
    if old.subscription_id:
        raise InvalidRequest(f"the key {old.id} is a plan's; reset it: setaria plans reset-key {old.account_id}")
    if old.revoked_at_ms is not None or (old.expires_at_ms is not None and old.expires_at_ms <= now_ms):
        raise InvalidRequest(f"the key {old.id} is not good any more; make another: setaria keys create")
    if old.disabled_at_ms is not None:
        raise InvalidRequest(f"the key {old.id} is disabled; enable it before: setaria keys enable {old.id}")
    if old.rules.successor:  # its end is that of the overlap by now, and would go over to the new key
        raise InvalidRequest(
            f"the key {old.id} was rotated already; rotate the one in its place, {old.rules.successor}, or make "
            "another: setaria keys create"
        )


def _hand_over(old: Key) -> KeyRules:
    """Give the rules for a key in the place of another one, whose cap it shares."""
    if old.rules.cap_nano is None:
        return old.rules
    return msgspec.structs.replace(old.rules, cap_id=old.rules.cap_id or old.id)


def _change(books: MoneyBooks, key: Key) -> Key:
    books.keys.change_key(key)
    return key
