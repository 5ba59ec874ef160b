"""Account book: accounts and keys in memory."""

import msgspec.structs

from setaria.core.ids import AccountId, KeyId
from setaria.domain.accounts.records import Account, Key


class FakeAccountBook:
    """Implements the port AccountBook; `changes` is its change counter."""

    def __init__(self) -> None:
        self._accounts: list[Account] = []
        self._keys: list[Key] = []
        self.changes = 0

    def add_account(self, account: Account) -> None:
        self._accounts.append(account)

    def change_account(self, account: Account) -> None:
        self._accounts = [account if each.id == account.id else each for each in self._accounts]
        self.changes += 1

    def list_accounts(self) -> list[Account]:
        return list(self._accounts)

    def find_account(self, account: str) -> Account | None:
        return next((each for each in self._accounts if account in (each.id, each.name)), None)

    def add_key(self, key: Key) -> None:
        self._keys.append(key)

    def list_keys(self, account_id: AccountId | None) -> list[Key]:
        return [key for key in self._keys if account_id in (None, key.account_id)]

    def find_key(self, key: str) -> Key | None:
        return next((each for each in self._keys if each.id == key), None)

    def revoke_key(self, account_id: AccountId, key_id: KeyId, revoked_at_ms: int) -> bool:
        for index, key in enumerate(self._keys):
            if (key.account_id, key.id, key.revoked_at_ms) == (account_id, key_id, None):
                self._keys[index] = msgspec.structs.replace(key, revoked_at_ms=revoked_at_ms)
                self.changes += 1
                return True
        return False
