"""Accounts: implements the port AccountBook within one transaction."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, insert, or_, select, update

from setaria.adapters.store.schema import accounts, changes, keys
from setaria.core.ids import AccountId, KeyId
from setaria.domain.accounts.records import Account, Key, KeyRules, Limits

# In the order of the records' fields.
_ACCOUNT = select(*(accounts.c[name] for name in Account.__struct_fields__))
_KEY = select(*(keys.c[name] for name in Key.__struct_fields__))


_read_limits = msgspec.json.Decoder(Limits).decode
_read_rules = msgspec.json.Decoder(KeyRules).decode


class AccountTable:
    """Accounts and keys, as people manage them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_account(self, account: Account) -> None:
        """Insert a new account.

        Raises: InvalidRequest when its name is taken.
        """
        self._connection.execute(
            insert(accounts).values(msgspec.structs.asdict(account) | {"limits": _to_json(account.limits)})
        )

    def change_account(self, account: Account) -> None:
        """Write an account's new state in place of the old one, and count up the change counter.

        Raises: InvalidRequest when its new name is taken.
        """
        self._connection.execute(
            update(accounts)
            .where(accounts.c.id == account.id)
            .values(msgspec.structs.asdict(account) | {"limits": _to_json(account.limits)})
        )
        self._count_change()

    def list_accounts(self) -> list[Account]:
        """List all accounts, oldest first."""
        rows = self._connection.execute(_ACCOUNT.order_by(accounts.c.created_at_ms, accounts.c.id))
        return [_account_from_row(row) for row in rows]

    def find_account(self, account: str) -> Account | None:
        """Find an account by its id or its name; the id counts first, so that no name can hide another account."""
        by_id_first = case((accounts.c.id == account, 0), else_=1)
        row = self._connection.execute(
            _ACCOUNT.where(or_(accounts.c.id == account, accounts.c.name == account)).order_by(by_id_first).limit(1)
        ).first()
        return None if row is None else _account_from_row(row)

    def add_key(self, key: Key) -> None:
        """Insert a new key."""
        self._connection.execute(insert(keys).values(msgspec.structs.asdict(key) | {"rules": _to_json(key.rules)}))

    def list_keys(self, account_id: AccountId | None) -> list[Key]:
        """List the keys of one account, or with None of all, oldest first, revoked ones too."""
        question = _KEY.order_by(keys.c.created_at_ms, keys.c.id)
        if account_id is not None:
            question = question.where(keys.c.account_id == account_id)
        return [_key_from_row(row) for row in self._connection.execute(question)]

    def find_key(self, key: str) -> Key | None:
        """Find a key by its id."""
        row = self._connection.execute(_KEY.where(keys.c.id == key)).first()
        return None if row is None else _key_from_row(row)

    def revoke_key(self, account_id: AccountId, key_id: KeyId, revoked_at_ms: int) -> bool:
        """Mark an account's key as revoked and count up the change counter; False when it already was."""
        revoked = self._connection.execute(
            update(keys)
            .where(keys.c.id == key_id, keys.c.account_id == account_id, keys.c.revoked_at_ms.is_(None))
            .values(revoked_at_ms=revoked_at_ms)
        )
        if revoked.rowcount == 0:
            return False
        self._count_change()
        return True

    def _count_change(self) -> None:
        self._connection.execute(update(changes).values(counter=changes.c.counter + 1))


def _account_from_row(row: Row[Any]) -> Account:  # what SQL gives has no types
    values = row._asdict()
    return Account(**values | {"limits": _read_limits(values["limits"])})


def _key_from_row(row: Row[Any]) -> Key:  # as above
    values = row._asdict()
    return Key(**values | {"rules": _read_rules(values["rules"])})


def _to_json(part: msgspec.Struct) -> str:
    return msgspec.json.encode(part).decode()
