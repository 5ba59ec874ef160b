"""Moments: days and moments as people give them."""

import re
from datetime import UTC, datetime, timedelta

from setaria.core.errors import InvalidRequest

DAY_MS = 24 * 60 * 60 * 1000

_DURATION = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}


def read_moment(text: str, param: str) -> int:
    """Read a day or a moment in ISO 8601, without an offset in UTC; a day is its first moment.

    Raises: InvalidRequest, which names `param`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{param} is {text[:40]!r}; give a day such as 2026-11-23 or a moment such as 2026-11-23T08:30:00Z",
            param=param,
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def is_day(text: str) -> bool:
    """Tell whether a readable text is a day and no moment."""
    return ":" not in text


def read_end(text: str, param: str, now_ms: int) -> int:
    """Read an end that is to come: of a day its last moment counts, so what is given is the first one after it.

    Worked: `2026-12-31` is 2027-01-01T00:00:00Z, `2026-12-31T08:30:00Z` is itself.
    Raises: InvalidRequest, which names `param`, when it can't be read or is past.
    """
    end_ms = read_moment(text, param) + (DAY_MS if is_day(text) else 0)
    if end_ms <= now_ms:
        raise InvalidRequest(f"{param} is {text[:40]!r}, which is past; give a day or moment to come", param=param)
    return end_ms


def read_duration(text: str, param: str) -> int:
    """Read a length of time in milliseconds: a whole number and `s`, `m`, `h` or `d`, or `0`.

    Raises: InvalidRequest, which names `param`.
    """
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidRequest(f"{param} is {text[:40]!r}; give a length of time such as 30m, 24h or 7d", param=param)
    return int(found[1]) * _UNITS_MS[found[2]]
