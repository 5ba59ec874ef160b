"""Accounts: implements the port AccountBook within one transaction."""

from sqlalchemy import Connection, case, insert, or_, select, update

from setaria.adapters.store.schema import accounts, changes, keys
from setaria.core.ids import AccountId, KeyId
from setaria.domain.accounts.records import Account, Key

# In the order of the records' fields.
_ACCOUNT = select(*(accounts.c[name] for name in Account.__struct_fields__))
_KEY = select(*(keys.c[name] for name in Key.__struct_fields__))


class AccountTable:
    """Accounts and keys, as people manage them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_account(self, account: Account) -> None:
        """Insert a new account.

        Raises: InvalidRequest when its name is taken.
        """
        self._connection.execute(
            insert(accounts).values(
                id=account.id, name=account.name, status=account.status, created_at_ms=account.created_at_ms
            )
        )

    def list_accounts(self) -> list[Account]:
        """List all accounts, oldest first."""
        rows = self._connection.execute(_ACCOUNT.order_by(accounts.c.created_at_ms, accounts.c.id))
        return [Account(*row) for row in rows]

    def find_account(self, account: str) -> Account | None:
        """Find an account by its id or its name; the id counts first, so that no name can hide another account."""
        by_id_first = case((accounts.c.id == account, 0), else_=1)
        row = self._connection.execute(
            _ACCOUNT.where(or_(accounts.c.id == account, accounts.c.name == account)).order_by(by_id_first).limit(1)
        ).first()
        return None if row is None else Account(*row)

    def add_key(self, key: Key) -> None:
        """Insert a new key."""
        self._connection.execute(
            insert(keys).values(
                id=key.id,
                account_id=key.account_id,
                name=key.name,
                lane=key.lane,
                digest=key.digest,
                secret_id=key.secret_id,
                last4=key.last4,
                created_at_ms=key.created_at_ms,
                revoked_at_ms=key.revoked_at_ms,
            )
        )

    def list_keys(self, account_id: AccountId | None) -> list[Key]:
        """List the keys of one account, or with None of all, oldest first, revoked ones too."""
        question = _KEY.order_by(keys.c.created_at_ms, keys.c.id)
        if account_id is not None:
            question = question.where(keys.c.account_id == account_id)
        return [Key(*row) for row in self._connection.execute(question)]

    def find_key(self, key: str) -> Key | None:
        """Find a key by its id."""
        row = self._connection.execute(_KEY.where(keys.c.id == key)).first()
        return None if row is None else Key(*row)

    def revoke_key(self, account_id: AccountId, key_id: KeyId, revoked_at_ms: int) -> bool:
        """Mark an account's key as revoked and count up the change counter; False when it already was."""
        revoked = self._connection.execute(
            update(keys)
            .where(keys.c.id == key_id, keys.c.account_id == account_id, keys.c.revoked_at_ms.is_(None))
            .values(revoked_at_ms=revoked_at_ms)
        )
        if revoked.rowcount == 0:
            return False
        self._connection.execute(update(changes).values(counter=changes.c.counter + 1))
        return True
