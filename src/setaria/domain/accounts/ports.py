"""Ports: what accounts need from outside."""

from collections.abc import Sequence
from typing import Protocol

from setaria.core.ids import AccountId
from setaria.domain.accounts.records import Account, Caller, Key, KeyUse


class KeyDirectory(Protocol):
    """Finds keys for the data plane."""

    async def find_caller(self, digest: bytes) -> Caller | None:
        """Find whose unrevoked key has this digest; None when nobody's.

        Raises: Unavailable when the store can't be read.
        """
        ...


class KeyUseBook(Protocol):
    """Takes when keys were last used, from the data plane."""

    async def note_key_uses(self, uses: Sequence[KeyUse]) -> None:
        """Write them, unless a later use is known.

        Raises: Unavailable when it could not be written.
        """
        ...


class AccountBook(Protocol):
    """Accounts as people manage them, inside the caller's transaction."""

    def add_account(self, account: Account) -> None:
        """Insert a new account."""
        ...

    def change_account(self, account: Account) -> None:
        """Write an account's new state in place of the old one, and count up the change counter."""
        ...

    def list_accounts(self) -> list[Account]:
        """List all accounts, oldest first."""
        ...

    def find_account(self, account: str) -> Account | None:
        """Find an account by its id or its name."""
        ...


class KeyBook(Protocol):
    """Keys as people manage them, inside the caller's transaction."""

    def add_key(self, key: Key) -> None:
        """Insert a new key."""
        ...

    def change_key(self, key: Key) -> None:
        """Write a key's new state in place of the old one, and count up the change counter.

        When it was last used is not written: that is for the data plane to say.
        """
        ...

    def list_keys(self, account_id: AccountId | None) -> list[Key]:
        """List the keys of one account, or with None of all, oldest first: revoked ones too, but none deleted."""
        ...

    def find_key(self, key: str) -> Key | None:
        """Find a key by its id, unless it is deleted."""
        ...
