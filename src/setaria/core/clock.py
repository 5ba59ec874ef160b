"""Clock: the only place that reads the time."""

import asyncio
import datetime
import email.utils
import time
from typing import Protocol


class Clock(Protocol):
    """What the rest of the code asks about time; tests give a fake."""

    def now_ms(self) -> int:
        """Tell the moment, in milliseconds since the epoch (UTC)."""
        ...

    def monotonic_s(self) -> float:
        """Tell seconds on a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class BlockingClock(Clock, Protocol):
    """A clock for code that may stand still, as people's actions do; never for an event loop."""

    def pause(self, seconds: float) -> None:
        """Stand still."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Tell the moment, in milliseconds since the epoch (UTC)."""
        return time.time_ns() // 1_000_000

    monotonic_s = staticmethod(time.monotonic)  # asked some 20 times a call, so without a step between

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
    """Write a moment as ISO 8601 in UTC with milliseconds, such as `2026-11-23T03:38:13.250Z`."""
    moment = datetime.datetime.fromtimestamp(moment_ms / 1000, tz=datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
