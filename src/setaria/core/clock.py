"""Clock: the only place that reads the time."""

import asyncio
import datetime
import email.utils
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_000  # first and last second that ISO 8601 can write


class Clock(Protocol):
    """What the rest of the code asks about time; tests give a fake."""

    def now_ms(self) -> int:
        """Tell the moment, in milliseconds since the epoch (UTC)."""
        ...

    def monotonic_s(self) -> float:
        """Tell seconds on a clock that never goes back; it may stand still while the machine is suspended."""
        ...

    def uptime_s(self) -> float:
        """Tell seconds since the machine began, with those in which it was suspended, where the machine counts them.

        For what others hold us to meanwhile; everything else waits for time that we were there to use.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class BlockingClock(Clock, Protocol):
    """A clock for code that may stand still, as people's actions do; never for an event loop."""

    def pause(self, seconds: float) -> None:
        """Stand still."""
        ...


def choose_uptime(boottime: int | None) -> Callable[[], float]:
    """Give what reads the time since the machine began: a clock of the kernel, the monotonic one where it has none."""
    return time.monotonic if boottime is None else partial(time.clock_gettime, boottime)


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Tell the moment, in milliseconds since the epoch (UTC)."""
        return time.time_ns() // 1_000_000

    monotonic_s = staticmethod(time.monotonic)  # asked some 20 times a call, so without a step between
    uptime_s = staticmethod(choose_uptime(getattr(time, "CLOCK_BOOTTIME", None)))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Stand still."""
        time.sleep(seconds)


def http_date_from_ms(moment_ms: int) -> str:
    """Write a moment as HTTP does, such as `Mon, 23 Nov 2026 03:38:13 GMT`."""
    return email.utils.format_datetime(datetime.datetime.fromtimestamp(moment_ms / 1000, tz=datetime.UTC), usegmt=True)


def iso_from_ms(moment_ms: int) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds, such as `2026-11-23T03:38:13.250Z`.

    Of what is after the year 9999, or before the year 1, the nearest moment that can be written is.
    """
    moment_ms = min(max(moment_ms, _FIRST_MS), _LAST_MS)
    moment = datetime.datetime.fromtimestamp(moment_ms / 1000, tz=datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
