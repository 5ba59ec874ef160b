"""Watch changes: renews what a worker remembers when any of it may have changed."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from setaria.core.clock import Clock
from setaria.core.errors import Unavailable
from setaria.gateway.key_cache import KeyCache

PERIOD_S = 0.3
TRUSTED_FOR_S = 60.0


class ChangeCounter(Protocol):
    """A number that every change to keys, accounts, limits or models counts up."""

    async def read_change_counter(self) -> int:
        """Read it.

        Raises: Unavailable.
        """
        ...


class ChangeWatch:
    """Compares the counter with the one seen last.

    While it can't be read the cached keys are believed for 60 seconds more, then nothing is.

    Takes: renewals, each of which reads something anew; when one raises Unavailable the next look tries all again.
    """

    def __init__(
        self, counter: ChangeCounter, keys: KeyCache, clock: Clock, renewals: Sequence[Callable[[], Awaitable[None]]]
    ) -> None:
        self._counter = counter
        self._keys = keys
        self._renewals = renewals
        self._clock = clock
        self._seen: int | None = None
        self._read_at_s = clock.monotonic_s()

    async def look(self) -> None:
        """Look once."""
        asked_at_s = self._clock.monotonic_s()
        self._keys.fresh = asked_at_s - self._read_at_s <= TRUSTED_FOR_S
        try:
            number = await self._counter.read_change_counter()
        except Unavailable:
            return
        self._read_at_s = asked_at_s
        self._keys.fresh = True
        if number != self._seen:
            self._keys.forget()
            with contextlib.suppress(Unavailable):
                for renew in self._renewals:
                    await renew()
                self._seen = number
