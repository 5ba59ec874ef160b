"""Moments: days and moments as people give them."""

import re
from datetime import UTC, datetime, timedelta

from setaria.core.errors import InvalidRequest

DAY_MS = 24 * 60 * 60 * 1000

_LAST_MS = 253_402_214_400_000  # the beginning of 9999-12-31: in every zone a moment of the year 9999
_DURATION = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}


def read_moment(text: str, param: str) -> int:
    """Read a day or a moment in ISO 8601, without an offset in UTC; a day is its first moment.

    Raises: InvalidRequest, which names `param`, when it can't be read or is not from 1970 to 9999-12-30.
    """
    return _read(text, param, 0)


def read_last(text: str, param: str) -> int:
    """Read an end: of a day its last moment counts, so what is given is the first one after it.

    Worked: `2026-12-31` is 2027-01-01T00:00:00Z, `2026-12-31T08:30:00Z` is itself.
    Raises: InvalidRequest, as `read_moment` does.
    """
    return _read(text, param, DAY_MS)


def read_end(text: str, param: str, now_ms: int) -> int:
    """Read an end that is to come, as `read_last` does.

    Raises: InvalidRequest, which names `param`, when it can't be read or is past.
    """
    end_ms = read_last(text, param)
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


def _read(text: str, param: str, added_to_day_ms: int) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{param} is {text[:40]!r}; give a day such as 2026-11-23 or a moment such as 2026-11-23T08:30:00Z",
            param=param,
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    moment_ms = (aware - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    moment_ms += added_to_day_ms if ":" not in text else 0
    if not 0 <= moment_ms <= _LAST_MS:
        raise InvalidRequest(f"{param} is {text[:40]!r}; give a day from 1970-01-01 to 9999-12-30", param=param)
    return moment_ms
