"""Alerts: what the owner of a plan is told before it runs out or ends, each thing once."""

from typing import Literal

import msgspec

from setaria.core.ids import AccountId

AlertKind = Literal["plan_used", "window_used", "plan_ends", "not_renewed"]

USED_LEVELS = (100, 90, 50)
"""Percent."""

_FULL = 100
_DAY_MS = 86_400_000
_ENDING_DAYS = (0, 2)
_RENEWING_DAYS = (5,)


class Alert(msgspec.Struct, frozen=True):
    """Something that its owner should know; `level` is percent of what is used, or days before an end.

    `subject` is the term or the window that it is about; `sent_at_ms` is None until it is sent.
    """

    id: str
    account_id: AccountId
    at_ms: int
    kind: AlertKind
    subject: str
    level: int
    sent_at_ms: int | None = None


def used_level(used: int, limit: int) -> int | None:
    """Tell the highest level that is reached; None below 50 percent. Example: 95 of 100 is 90."""
    return next((level for level in USED_LEVELS if limit and used * _FULL >= level * limit), None)


def ending_level(ends_at_ms: int, now_ms: int, *, renews: bool) -> int | None:
    """Tell which alert about the end of a term is due, by its days; None while there is none.

    One that is renewed by itself is told 5 days before, another one 2 days before and on its last day.
    """
    left_ms = ends_at_ms - now_ms
    days = _RENEWING_DAYS if renews else _ENDING_DAYS
    return next((day for day in days if 0 < left_ms <= max(day, 1) * _DAY_MS), None)
