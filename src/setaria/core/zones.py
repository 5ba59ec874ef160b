"""Zones: time zones by the names that people write."""

import datetime
import functools
import zoneinfo

from setaria.core.errors import Misconfigured

UTC = "UTC"


@functools.cache
def find_zone(name: str) -> datetime.tzinfo:
    """Find a time zone by its name in the IANA database, such as `Europe/Berlin`.

    Raises: Misconfigured when there is none of this name on this machine.
    """
    if name == UTC:  # needs no database
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Misconfigured(
            f"{name!r} is no time zone; zones are named like UTC, Europe/Berlin, Asia/Shanghai"
        ) from error


def local_time(moment_ms: int, zone: str) -> datetime.datetime:
    """Tell date and time of a moment in a zone, to the second.

    Raises: Misconfigured when there is no such zone.
    """
    return datetime.datetime.fromtimestamp(moment_ms // 1000, tz=find_zone(zone))
