"""Offers: the token plans that are sold, with their windows and limits.

Credits are whole milli-credits, money whole nano-units of the currency.
"""

import msgspec

from setaria.core.price_entries import Period
from setaria.core.windows import WindowTimes

_MONTHS = {"month": 1, "year": 12}
_MONTHS_OF_YEAR = 12


class Window(msgspec.Struct, frozen=True):
    """How much of a plan may be used within a time."""

    times: WindowTimes
    credits: int


class Offer(msgspec.Struct, frozen=True):
    """A plan as it is sold; no `models` are all that have a rate, a limit of None is the platform's default."""

    tier: str
    name: str
    price_nano: int
    period: Period
    credits: int
    windows: tuple[Window, ...] = ()
    models: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    in_flight: int | None = None

    @property
    def months(self) -> int:
        """How many months a term lasts."""
        return _MONTHS[self.period]

    @property
    def level(self) -> tuple[int, int]:
        """What upgrades go up: first the credits a month, compared without fractions, then the length of a term."""
        return self.credits * (_MONTHS_OF_YEAR // self.months), self.months
