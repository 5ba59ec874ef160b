"""Fake clock: time that passes when the test says so."""


class FakeClock:
    """A clock that stands still until `advance`; it starts at 2026-11-23T00:00:00Z.

    `slept` are the seconds that were waited, each of which passes at once.
    """

    def __init__(self, now_ms: int = 1_795_392_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic_s = 0.0
        self._suspended_s = 0.0
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def uptime_s(self) -> float:
        return self._monotonic_s + self._suspended_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def pause(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks."""
        self._now_ms += round(seconds * 1000)
        self._monotonic_s += seconds

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: the monotonic clock stands still."""
        self._now_ms += round(seconds * 1000)
        self._suspended_s += seconds
