"""Records: accounts and keys."""

from typing import Literal

import msgspec

from setaria.core.ids import AccountId, KeyId
from setaria.core.protocol import Lane

Billing = Literal["prepaid", "postpaid"]
AccountStatus = Literal["active", "suspended", "closed"]


class ModelLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Limits of an account on one model; None is the platform's default."""

    rpm: int | None = None
    tpm: int | None = None
    in_flight: int | None = None


DEFAULT_LIMITS = ModelLimits(rpm=100, tpm=10_000_000, in_flight=16)
"""What an account may do on one model where nothing else is said: requests and tokens a minute, calls at once."""


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an account may do: on every model, on single ones, or everything when it is `unlimited`."""

    unlimited: bool = False
    every: ModelLimits = ModelLimits()
    models: dict[str, ModelLimits] = {}


class KeyRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a key may do; empty is no restriction.

    `models` are ids, `networks` CIDR blocks, `cap_nano` what may be spent with it in a calendar month (UTC). `cap_id`
    is the key whose cap this is, where that is another one: a rotation does not grant the month's cap anew.
    `successor` is no rule: the id of the key that was made in its place, which it is good beside for a while.
    """

    models: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    cap_nano: int | None = None
    successor: str = ""
    cap_id: str = ""


class Account(msgspec.Struct, frozen=True):
    """Somebody who uses the platform; `name` is unique.

    `prepaid` accounts are refused when nothing is left, `postpaid` ones never.
    """

    id: AccountId
    name: str
    status: AccountStatus
    created_at_ms: int
    email: str = ""
    billing: Billing = "prepaid"
    limits: Limits = Limits()


class Key(msgspec.Struct, frozen=True):
    """An API key as it is kept: never its text, only a keyed digest and the last 4 characters.

    `secret_id` names the secret of the ring that the digest was made with. `revoked_at_ms` is None while it is good.
    `subscription_id` is that of a plan's key, empty for others. `deleted_at_ms` is set when it is no longer listed.
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
    expires_at_ms: int | None = None
    disabled_at_ms: int | None = None
    last_used_at_ms: int | None = None
    subscription_id: str = ""
    rules: KeyRules = KeyRules()
    deleted_at_ms: int | None = None


class Caller(msgspec.Struct, frozen=True):
    """Whose key a call came with, and what account and key may do."""

    account_id: AccountId
    account_status: AccountStatus
    key_id: KeyId
    lane: Lane
    billing: Billing = "postpaid"
    limits: Limits = Limits(unlimited=True)
    subscription_id: str = ""
    key_expires_at_ms: int | None = None
    key_disabled_at_ms: int | None = None
    rules: KeyRules = KeyRules()


class KeyUse(msgspec.Struct, frozen=True):
    """When a key was last used for a call."""

    account_id: AccountId
    key_id: KeyId
    at_ms: int
