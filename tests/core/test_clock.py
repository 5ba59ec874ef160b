"""The machine's clock, and how moments are written."""

import asyncio
import datetime
import time

import pytest

from setaria.core.clock import SystemClock, choose_uptime, http_date_from_ms, iso_from_ms


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    """ISO 8601, with a Z."""
    assert iso_from_ms(1_795_405_093_250) == "2026-11-23T03:38:13.250Z"


@pytest.mark.parametrize(
    "moment_ms, written",
    [
        (253_402_300_799_000, "9999-12-31T23:59:59.000Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.000Z"),
        (2**63 - 1, "9999-12-31T23:59:59.000Z"),
        (-62_135_596_800_001, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_moment_that_can_not_be_written_is_the_nearest_that_can(moment_ms: int, written: str) -> None:
    """A row that was kept with it can be shown."""
    assert iso_from_ms(moment_ms) == written


def test_a_moment_is_written_as_http_does() -> None:
    """Day names and months are English, whatever the machine speaks."""
    assert http_date_from_ms(1_795_405_093_250) == "Mon, 23 Nov 2026 03:38:13 GMT"


def test_the_moment_is_the_machines() -> None:
    """Milliseconds since the epoch."""
    before_ms = datetime.datetime.now(datetime.UTC).timestamp() * 1000
    assert before_ms - 1 <= SystemClock().now_ms() <= before_ms + 5000


def test_waiting_takes_time_on_the_monotonic_clock() -> None:
    """The clock that never goes back goes on while one waits."""
    clock = SystemClock()
    before_s = clock.monotonic_s()
    asyncio.run(clock.sleep(0.01))
    assert clock.monotonic_s() - before_s >= 0.01


def test_standing_still_takes_time_too() -> None:
    """What blocks waits as long as it was told."""
    clock = SystemClock()
    before_s = clock.monotonic_s()
    clock.pause(0.01)
    assert clock.monotonic_s() - before_s >= 0.01


@pytest.mark.parametrize("boottime", [None, time.CLOCK_MONOTONIC])
def test_uptime_is_read_from_the_kernels_clock_or_else_the_monotonic_one(boottime: int | None) -> None:
    """A machine without a clock that counts its sleep goes by the one that every machine has."""
    read = choose_uptime(boottime)
    before_s = time.monotonic()
    assert before_s <= read() <= time.monotonic()


def test_the_uptime_goes_on_with_the_monotonic_clock() -> None:
    """It is never behind it, and only a machine that slept is ahead."""
    clock = SystemClock()
    before_s = clock.uptime_s()
    asyncio.run(clock.sleep(0.01))
    assert clock.uptime_s() - before_s >= 0.01
