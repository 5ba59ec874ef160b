"""Keys: implements the port KeyBook within one transaction."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from setaria.adapters.store.control.changes import count_change
from setaria.adapters.store.schema import keys
from setaria.core.ids import AccountId
from setaria.domain.accounts.records import Key, KeyRules

# In the order of the record's fields.
_KEY = select(*(keys.c[name] for name in Key.__struct_fields__)).where(keys.c.deleted_at_ms.is_(None))
_read_rules = msgspec.json.Decoder(KeyRules).decode


class KeyTable:
    """Keys, as people manage them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_key(self, key: Key) -> None:
        """Insert a new key."""
        self._connection.execute(insert(keys).values(_values(key)))

    def change_key(self, key: Key) -> None:
        """Write a key's new state in place of the old one, and count up the change counter."""
        values = _values(key)
        del values["last_used_at_ms"]  # the data plane may have written a later one meanwhile
        self._connection.execute(
            update(keys).where(keys.c.id == key.id, keys.c.account_id == key.account_id).values(values)
        )
        count_change(self._connection)

    def list_keys(self, account_id: AccountId | None) -> list[Key]:
        """List the keys of one account, or with None of all, oldest first: revoked ones too, but none deleted."""
        question = _KEY.order_by(keys.c.created_at_ms, keys.c.id)
        if account_id is not None:
            question = question.where(keys.c.account_id == account_id)
        return [_key_from_row(row) for row in self._connection.execute(question)]

    def find_key(self, key: str) -> Key | None:
        """Find a key by its id, unless it is deleted."""
        row = self._connection.execute(_KEY.where(keys.c.id == key)).first()
        return None if row is None else _key_from_row(row)


def _values(key: Key) -> dict[str, object]:
    return msgspec.structs.asdict(key) | {"rules": msgspec.json.encode(key.rules).decode()}


def _key_from_row(row: Row[Any]) -> Key:  # what SQL gives has no types
    values = row._asdict()
    return Key(**values | {"rules": _read_rules(values["rules"])})
