"""Time zones."""

import datetime
import zoneinfo

import pytest

from setaria.core.errors import Misconfigured
from setaria.core.zones import find_zone, local_time

TWO_HOURS = datetime.timedelta(hours=2)


def test_utc_needs_no_database() -> None:
    """The zone that everything counts in is always there."""
    assert find_zone("UTC") is datetime.UTC


def test_a_moment_is_told_in_a_zone() -> None:
    """Midnight of Shanghai is 16:00 of the day before in UTC."""
    assert local_time(1_782_921_600_999, "UTC").isoformat() == "2026-07-01T16:00:00+00:00"
    assert local_time(1_782_921_600_999, "Asia/Shanghai").isoformat() == "2026-07-02T00:00:00+08:00"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "/etc/passwd", "../UTC", "Europe"])
def test_an_unknown_zone_is_told(name: str) -> None:
    """Nothing but a zone of the database is taken."""
    with pytest.raises(Misconfigured, match="is no time zone"):
        find_zone(name)


def test_zones_are_there_without_those_of_the_system() -> None:
    """The package has them; a container needs no database of its own."""
    zoneinfo.reset_tzpath(to=())
    try:
        assert zoneinfo.ZoneInfo.no_cache("Europe/Berlin").utcoffset(datetime.datetime(2026, 7, 1)) == TWO_HOURS  # noqa: DTZ001 - the zone is asked, not the moment
    finally:
        zoneinfo.reset_tzpath()
