"""Accounts: implements the port AccountBook within one transaction."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, insert, or_, select, update

from setaria.adapters.store.control.changes import count_change
from setaria.adapters.store.schema import accounts
from setaria.domain.accounts.records import Account, Limits

_ACCOUNT = select(*(accounts.c[name] for name in Account.__struct_fields__))  # in the order of the record's fields
_read_limits = msgspec.json.Decoder(Limits).decode


class AccountTable:
    """Accounts, as people manage them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_account(self, account: Account) -> None:
        """Insert a new account.

        Raises: InvalidRequest when its name is taken.
        """
        self._connection.execute(insert(accounts).values(_values(account)))

    def change_account(self, account: Account) -> None:
        """Write an account's new state in place of the old one, and count up the change counter.

        Raises: InvalidRequest when its new name is taken.
        """
        self._connection.execute(update(accounts).where(accounts.c.id == account.id).values(_values(account)))
        count_change(self._connection)

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


def _values(account: Account) -> dict[str, object]:
    return msgspec.structs.asdict(account) | {"limits": msgspec.json.encode(account.limits).decode()}


def _account_from_row(row: Row[Any]) -> Account:  # what SQL gives has no types
    values = row._asdict()
    return Account(**values | {"limits": _read_limits(values["limits"])})
