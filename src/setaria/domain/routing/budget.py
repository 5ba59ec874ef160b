"""Budget: how many calls may be tried a second time, so that retries never become the load that kills a server."""

SHARE = 0.1
FLOOR = 10
MAX_FURTHER_ATTEMPTS = 2
_MINUTE_S = 60.0


class RetryBudget:
    """Counts calls and retries over fixed minutes: retries stay within a tenth of the calls, but never under ten.

    Worked: 500 calls in this minute allow 50 retries; 12 calls allow 10.
    """

    def __init__(self) -> None:
        self._minute = -1
        self._calls = 0
        self._retries = 0

    def count_call(self, now_s: float) -> None:
        """Count a call."""
        if now_s // _MINUTE_S != self._minute:
            self._turn(now_s)
        self._calls += 1

    def take(self, now_s: float) -> bool:
        """Take one retry; False when there is none left in this minute."""
        self._turn(now_s)
        if self._retries >= max(FLOOR, int(self._calls * SHARE)):
            return False
        self._retries += 1
        return True

    def _turn(self, now_s: float) -> None:
        minute = int(now_s // _MINUTE_S)
        if minute != self._minute:
            self._minute, self._calls, self._retries = minute, 0, 0
