"""Health: whether a deployment answers, judged by the calls it got.

States: well; cooling (it failed too often in a row: it gets no call until the pause is over; each failure after a pause
doubles the next one); probing (the pause is over, one call is let through; its end decides). Who moves it: the ends of
calls, and the time.

    state      success    failure                          pause over
    well       well       cooling, at the third in a row   -
    cooling    well       -                                probing, at the next call
    probing    well       cooling, twice as long           -

Where its last failure was that it refused the platform's access, that is what its callers are told while it cools: no
time that they wait mends it.
"""

from collections.abc import Callable

from setaria.core.errors import UpstreamRefused

FAILURES_TO_COOL = 3
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
JITTER = 0.2


class Health:
    """One deployment's health; `draw` gives a number from 0 to 1 for the jitter of pauses.

    `refusal` is what it said last, where it refused the platform's access.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._failures = 0
        self._pauses = 0
        self._until_s = 0.0
        self._rest_until_s = 0.0
        self._probing = False
        self.refusal: UpstreamRefused | None = None

    def may_serve(self, now_s: float) -> bool:
        """Tell whether a call may go there now; the first one after a pause is the probe."""
        if now_s < self._rest_until_s:
            return False
        return self._failures < FAILURES_TO_COOL or (not self._probing and now_s >= self._until_s)

    def is_well(self, now_s: float) -> bool:
        """Tell whether it is known to be neither cooling nor busy; what is being probed is not well yet."""
        return self._failures < FAILURES_TO_COOL and now_s >= self._rest_until_s

    def begin(self) -> None:
        """Take the news that a call goes there."""
        if self._failures >= FAILURES_TO_COOL:
            self._probing = True

    def succeed(self) -> None:
        """Take the news that it answered."""
        self._failures = self._pauses = 0
        self._probing = False
        self.refusal = None

    def fail(self, now_s: float) -> None:
        """Take the news that it did not."""
        self._failures += 1
        self._probing = False
        self.refusal = None
        if self._failures >= FAILURES_TO_COOL:
            pause_s = min(FIRST_PAUSE_S * 2**self._pauses, LONGEST_PAUSE_S)
            self._pauses += 1
            self._until_s = now_s + pause_s * (1 + JITTER * self._draw())

    def refuse(self, now_s: float, refusal: UpstreamRefused) -> None:
        """Take the news that it will not have us, which counts as any failure."""
        self.fail(now_s)
        self.refusal = refusal

    def rest(self, until_s: float) -> None:
        """Take its own word that it is busy: it gets no call before that moment, and is as well as before after it."""
        self._rest_until_s = until_s
        self._probing = False
        self.refusal = None

    def abandon(self) -> None:
        """Take the news that a call ended without telling anything of the deployment, for its client left."""
        self._probing = False

    def wait_s(self, now_s: float) -> float:
        """Tell in how many seconds it may be tried again; 0 when it may be now."""
        return 0.0 if self.may_serve(now_s) else max(0.0, self._until_s - now_s, self._rest_until_s - now_s)
