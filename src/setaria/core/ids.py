"""Ids and random strings: the only place that draws randomness."""

import secrets
from collections.abc import Callable
from typing import NewType

AccountId = NewType("AccountId", str)
KeyId = NewType("KeyId", str)
CallId = NewType("CallId", str)

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and capitals without those that people take for others: I, L, O and U (Crockford's base 32)."""
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_MOMENT_MASK = (1 << 48) - 1
_RANDOM_BYTES = 10
_ID_DIGITS = 2 * _RANDOM_BYTES
_VARIANTS = {digit: "89ab"[int(digit, 16) & 0b11] for digit in "0123456789abcdef"}
_DRAWN_IDS = 256
_FLOAT_BITS = 53  # as many as a float keeps


def new_call_id(now_ms: int) -> CallId:
    """Make a UUIDv7 as 32 hex digits, so that ids sort by the moment of the call.

    Takes: now_ms, milliseconds since the epoch.
    Cost: 0.9 us.
    Source: RFC 9562 section 5.7, read November 2026.
    """
    return _call_id(now_ms, secrets.token_hex(_RANDOM_BYTES))


def _call_id(now_ms: int, drawn: str) -> CallId:
    return CallId(f"{now_ms & _MOMENT_MASK:012x}7{drawn[:3]}{_VARIANTS[drawn[3]]}{drawn[4:19]}")


class CallIds:
    """Makes call ids of random digits that were drawn for many at once.

    Takes: now_ms, tells the moment.
    Cost: 0.7 us an id.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._drawn = ""
        self._at = 0

    def draw(self) -> CallId:
        """Make the next id, as `new_call_id` does."""
        at = self._at
        if at >= len(self._drawn):
            self._drawn, at = secrets.token_hex(_RANDOM_BYTES * _DRAWN_IDS), 0
        self._at = at + _ID_DIGITS
        return _call_id(self._now_ms(), self._drawn[at : self._at])


def new_account_id() -> AccountId:
    """Make an account id, `acct_` and 16 hex digits."""
    return AccountId(f"acct_{secrets.token_hex(8)}")


def new_key_id() -> KeyId:
    """Make a key's public id, `key_` and 16 hex digits; it is no secret."""
    return KeyId(f"key_{secrets.token_hex(8)}")


def new_entry_id(now_ms: int) -> str:
    """Make the id of an entry in the ledger; like a call's, so that ids sort by the moment."""
    return new_call_id(now_ms)


def new_allowance_id() -> str:
    """Make the id of an allowance, `al_` and 16 hex digits."""
    return f"al_{secrets.token_hex(8)}"


def new_batch_id() -> str:
    """Make the id of a batch of redeem codes, `batch_` and 16 hex digits."""
    return f"batch_{secrets.token_hex(8)}"


def new_subscription_id() -> str:
    """Make the id of a subscription, `sub_` and 16 hex digits."""
    return f"sub_{secrets.token_hex(8)}"


def new_tariff_id() -> str:
    """Make the id of a version of a price or rate, `pr_` and 16 hex digits."""
    return f"pr_{secrets.token_hex(8)}"


def new_alert_id() -> str:
    """Make the id of an alert, `alert_` and 16 hex digits."""
    return f"alert_{secrets.token_hex(8)}"


def new_worker_id() -> str:
    """Make the id of a worker's epoch, `wk_` and 16 hex digits."""
    return f"wk_{secrets.token_hex(8)}"


def new_tool_call_id() -> str:
    """Make a tool-call id as the reference platform writes it: `call_` and 24 hex digits."""
    return f"call_{secrets.token_hex(12)}"


def new_message_id() -> str:
    """Make an Anthropic message id, `msg_` and 24 hex digits."""
    return f"msg_{secrets.token_hex(12)}"


def new_seed() -> int:
    """Draw a sampling seed of 63 bits for a call whose caller gave none."""
    return secrets.randbits(63)


def random_share() -> float:
    """Draw a number in [0, 1), for a choice by chance."""
    return secrets.randbits(_FLOAT_BITS) / (1 << _FLOAT_BITS)


def random_base62(length: int) -> str:
    """Draw `length` characters of `BASE62`, each with equal chance (5.95 bits a character)."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def random_base32(length: int) -> str:
    """Draw `length` characters of `BASE32`, each with equal chance (5 bits a character)."""
    return "".join(secrets.choice(BASE32) for _ in range(length))


def random_bytes(length: int) -> bytes:
    """Draw `length` bytes fit for a secret."""
    return secrets.token_bytes(length)
