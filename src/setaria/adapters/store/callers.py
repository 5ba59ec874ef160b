"""Callers: whose key a call came with, as both engines read it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from setaria.domain.accounts.records import Caller, KeyRules, Limits

FIND_CALLER = """
    SELECT keys.account_id, accounts.status, keys.id, keys.lane, accounts.billing, accounts.limits,
        keys.subscription_id, keys.expires_at_ms, keys.disabled_at_ms, keys.rules
    FROM keys JOIN accounts ON accounts.id = keys.account_id
    WHERE keys.revoked_at_ms IS NULL AND keys.digest =
"""
"""What is left to be said is how the engine writes the digest's place."""

NOTE_KEY_USE = (
    "UPDATE keys SET last_used_at_ms = {2} "
    "WHERE account_id = {0} AND id = {1} AND (last_used_at_ms IS NULL OR last_used_at_ms < {2})"
)
"""What is left to be said is how the engine writes the places of account, key and moment."""

_LIMITS_AT, _RULES_AT = 5, 9
_read_limits = msgspec.json.Decoder(Limits).decode
_read_rules = msgspec.json.Decoder(KeyRules).decode


def caller_from_row(row: Sequence[Any]) -> Caller:  # what SQL gives has no types
    """Make the caller of a row of `FIND_CALLER`."""
    values = list(row)
    values[_LIMITS_AT] = _read_limits(values[_LIMITS_AT])
    values[_RULES_AT] = _read_rules(values[_RULES_AT])
    return Caller(*values)
