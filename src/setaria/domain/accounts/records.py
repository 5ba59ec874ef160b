"""Records: accounts and keys."""

from typing import Literal

import msgspec

from setaria.core.ids import AccountId, KeyId

Lane = Literal["payg"]
AccountStatus = Literal["active", "suspended", "closed"]


class Account(msgspec.Struct, frozen=True):
    """Somebody who uses the platform; `name` is unique."""

    id: AccountId
    name: str
    status: AccountStatus
    created_at_ms: int


class Key(msgspec.Struct, frozen=True):
    """An API key as it is kept: never its text, only a keyed digest and the last 4 characters.

    `secret_id` names the secret of the ring that the digest was made with. `revoked_at_ms` is None while it is good.
    """

    id: KeyId
    account_id: AccountId
    name: str
    lane: Lane
    digest: bytes
    secret_id: str
    last4: str
    created_at_ms: int
    revoked_at_ms: int | None = None


class Caller(msgspec.Struct, frozen=True):
    """Whose key a call came with."""

    account_id: AccountId
    account_status: AccountStatus
    key_id: KeyId
    lane: Lane
