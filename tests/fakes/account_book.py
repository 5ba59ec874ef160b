"""Account book: accounts and keys in memory."""

import msgspec.structs

from setaria.core.ids import AccountId
from setaria.domain.accounts.records import Account, Key


class FakeAccountBook:
    """Implements the ports AccountBook and KeyBook; `changes` is its change counter."""

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

    def change_key(self, key: Key) -> None:
        kept = {each.id: each.last_used_at_ms for each in self._keys}
        written = msgspec.structs.replace(key, last_used_at_ms=kept[key.id])
        self._keys = [written if each.id == key.id else each for each in self._keys]
        self.changes += 1

    def list_keys(self, account_id: AccountId | None) -> list[Key]:
        return [key for key in self._keys if account_id in (None, key.account_id) and key.deleted_at_ms is None]

    def find_key(self, key: str) -> Key | None:
        return next((each for each in self._keys if each.id == key and each.deleted_at_ms is None), None)
