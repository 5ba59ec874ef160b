"""Windows: spans of time in which only so much may be used, opened by a call or given by a calendar."""

import datetime
from typing import Literal

import msgspec

from setaria.core.zones import UTC, find_zone, local_time

WindowKind = Literal["rolling", "calendar"]

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_LENGTHS_MS = {"day": _DAY_MS, "week": 7 * _DAY_MS}
_UNITS_MS = {"h": _HOUR_MS, "d": _DAY_MS}


class WindowTimes(msgspec.Struct, frozen=True):
    """How long a window lasts, such as `5h`, `30d`, `day` or `week`; `zone` is the calendar's."""

    length: str
    kind: WindowKind
    zone: str = UTC


class Span(msgspec.Struct, frozen=True):
    """A window that is open: from its first moment to just before `end_ms`."""

    begin_ms: int
    end_ms: int


def span_at(times: WindowTimes, moment_ms: int) -> Span:
    """Tell the window that a call at this moment is in, where none is open yet.

    A rolling window opens with the call and lasts its length. One of the calendar is a day from midnight to midnight, a
    week from Monday, or so many hours counted from midnight, the last of a day being what is left of it.
    Worked: `5h` of the calendar in UTC, at 21:30: from 20:00 to 24:00. Rolling: from 21:30 to 2:30.
    """
    if times.kind == "rolling":
        return Span(moment_ms, moment_ms + length_ms(times.length))
    local = local_time(moment_ms, times.zone).replace(tzinfo=None)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    begin, end = midnight, midnight + datetime.timedelta(days=1)
    if times.length == "week":
        begin = midnight - datetime.timedelta(days=midnight.weekday())
        end = begin + datetime.timedelta(days=7)
    elif times.length != "day":
        step = datetime.timedelta(milliseconds=length_ms(times.length))
        begin = midnight + (local - midnight) // step * step
        end = min(begin + step, end)
    return Span(_moment_ms(begin, times.zone), _moment_ms(end, times.zone))


def length_ms(length: str) -> int:
    """Tell how long a window lasts that is not the calendar's. Examples: `5h` is 18,000,000; `week` is 7 times 24 h."""
    return _LENGTHS_MS.get(length) or int(length[:-1]) * _UNITS_MS[length[-1]]


def _moment_ms(local: datetime.datetime, zone: str) -> int:
    """Give the moment of a local time; of two such it is the first, of one that a zone leaves out the leap itself."""
    return round(local.replace(tzinfo=find_zone(zone)).timestamp()) * 1000
