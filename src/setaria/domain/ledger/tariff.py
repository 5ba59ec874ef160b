"""Tariff: what a model's tokens cost, and the one function that rounds.

A price counts in nano-units of the currency, a rate of plans in milli-credits. Both are whole numbers a million tokens
of a class: $0.435 a million is 435,000,000; 2.5 credits a token are 2,500,000,000. Sound is paid by the hour, to the
second; searches of the web by the thousand, in money only.
"""

from collections.abc import Iterable

import msgspec

from setaria.core.money import CURRENCY
from setaria.core.usage import Usage
from setaria.core.zones import UTC, local_time

FACTOR_ONE = 1_000_000
"""A factor is a whole number of millionths."""

_TOKENS = 1_000_000
_HALF = _TOKENS // 2
"""Half of what is divided by: added first, the quotient is rounded half up."""
_HOUR_S = 3600
_SEARCHES = 1000
_ALL = 9 * _TOKENS
"""The least that tokens, seconds and searches divide, so that a sum of all three is rounded once."""
_MINUTES_OF_HOUR = 60
FREE_ID = "free"


class Tier(msgspec.Struct, frozen=True):
    """Calls with more than so many input tokens, of all classes, cost `factor` times the price, as a whole."""

    above_input_tokens: int
    factor: int


class Times(msgspec.Struct, frozen=True):
    """Calls that begin in these minutes of a zone's day cost `factor` times the price.

    `to_minute` is not in it; 1440 is the end of the day. Where it is not after `from_minute`, midnight lies between.
    """

    from_minute: int
    to_minute: int
    factor: int
    zone: str = UTC


class Tariff(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model's tokens cost from one moment on.

    `id` is what a call's row names. Of several tiers the highest that is exceeded counts, of several times the first.
    An hour of sound costs `audio_hour`, 1,000 searches cost `search_nano`, which no factor changes.
    """

    id: str
    model: str
    from_ms: int
    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    tiers: tuple[Tier, ...] = ()
    times: tuple[Times, ...] = ()
    audio_hour: int = 0
    search_nano: int = 0


class PriceList(msgspec.Struct, frozen=True):
    """Everything that was imported of prices, and of the rates of plans, in all versions.

    `off_peak` is in every rate already; it is kept for rates to come. 1,000 searches cost `search_nano`.
    """

    currency: str = CURRENCY
    prices: tuple[Tariff, ...] = ()
    rates: tuple[Tariff, ...] = ()
    off_peak: Times | None = None
    search_nano: int = 0

    @property
    def versions(self) -> tuple[Tariff, ...]:
        """All prices, with what searches cost, and all rates."""
        prices = (msgspec.structs.replace(each, search_nano=self.search_nano) for each in self.prices)
        return (*prices, *self.rates)


def charge(tariff: Tariff, usage: Usage, at_ms: int) -> int:
    """Tell what a call costs that began at this moment, rounded half up once, at the total.

    Worked: 1,000 uncached, 500 cached and 200 output tokens at $0.435, $0.0036 and $0.87 a million cost
    435,000 + 1,800 + 174,000 = 610,800 nano-dollars. 3 tokens at 500,000 a million cost 1.5, which is 2. 90 seconds of
    sound at $0.074 an hour cost 1,850,000, 3 searches at $5 a thousand 15,000,000.
    Cost: 0.7 us without tiers and times, 4 us with times.
    """
    total = (
        usage.input_tokens * tariff.input
        + usage.cached_input_tokens * tariff.cached_input
        + usage.cache_write_tokens * tariff.cache_write
        + usage.output_tokens * tariff.output
    )
    if usage.audio_seconds or usage.searches:
        return _charge_all(tariff, usage, total, at_ms)
    if not tariff.tiers and not tariff.times:
        return (total + _HALF) // _TOKENS
    return _round(total * tier_factor(tariff, usage) * time_factor(tariff, at_ms), _TOKENS * FACTOR_ONE * FACTOR_ONE)


def charge_tokens(tariff: Tariff, input_tokens: int, output_tokens: int, at_ms: int) -> int:
    """Tell what so many tokens cost, none of the input from a cache; as `charge` does."""
    if tariff.tiers or tariff.times:
        return charge(tariff, Usage(input_tokens, output_tokens=output_tokens), at_ms)
    return (input_tokens * tariff.input + output_tokens * tariff.output + _HALF) // _TOKENS


def _round(total: int, one: int) -> int:
    """Divide, rounded half up."""
    return (total + one // 2) // one


def _charge_all(tariff: Tariff, usage: Usage, tokens_total: int, at_ms: int) -> int:
    """Charge sound and searches beside the tokens, whose total is given in millionths."""
    timed = tokens_total * (_ALL // _TOKENS) + usage.audio_seconds * tariff.audio_hour * (_ALL // _HOUR_S)
    fixed = usage.searches * tariff.search_nano * (_ALL // _SEARCHES)
    whole = _ALL * FACTOR_ONE * FACTOR_ONE
    scaled = timed * tier_factor(tariff, usage) * time_factor(tariff, at_ms) + fixed * FACTOR_ONE * FACTOR_ONE
    return _round(scaled, whole)


def is_free(tariff: Tariff) -> bool:
    """Tell whether nothing that the model does costs anything by this tariff."""
    tokens = tariff.input or tariff.cached_input or tariff.cache_write or tariff.output
    return not (tokens or tariff.audio_hour or tariff.search_nano)


def tier_factor(tariff: Tariff, usage: Usage) -> int:
    """Tell the factor, in millionths, for the length of a call's input."""
    exceeded = [tier for tier in tariff.tiers if usage.all_input_tokens > tier.above_input_tokens]
    return max(exceeded, key=lambda tier: tier.above_input_tokens).factor if exceeded else FACTOR_ONE


def time_factor(tariff: Tariff, at_ms: int) -> int:
    """Tell the factor, in millionths, for the moment at which a call began."""
    return next((times.factor for times in tariff.times if _holds(times, at_ms)), FACTOR_ONE)


def _holds(times: Times, at_ms: int) -> bool:
    local = local_time(at_ms, times.zone)
    minute = local.hour * _MINUTES_OF_HOUR + local.minute
    if times.from_minute < times.to_minute:
        return times.from_minute <= minute < times.to_minute
    return minute >= times.from_minute or minute < times.to_minute


class Tariffs:
    """The prices and rates that a process knows, by model and moment.

    Takes: free, the models that cost nothing until a price for them is imported.
    """

    def __init__(self, free: Iterable[str] = ()) -> None:
        self._free = tuple(Tariff(FREE_ID, model, 0) for model in free)
        self.renew(PriceList())

    def renew(self, imported: PriceList) -> None:
        """Know these from now on; a hold keeps the tariff that it was made with."""
        self.currency = imported.currency
        versions = imported.versions
        self._prices = _by_model((*self._free, *versions[: len(imported.prices)]))
        self._rates = _by_model((*self._free, *imported.rates))
        self._versions = {each.id: each for each in (*self._free, *versions)}

    def price_of(self, model_id: str, at_ms: int) -> Tariff | None:
        """Give the price that holds for a model at a moment; None when it has none."""
        for tariff in self._prices.get(model_id, ()):
            if tariff.from_ms <= at_ms:
                return tariff
        return None

    def rate_of(self, model_id: str, at_ms: int) -> Tariff | None:
        """Give the rate at which plans pay for a model at a moment; None when it is not for plans."""
        for tariff in self._rates.get(model_id, ()):
            if tariff.from_ms <= at_ms:
                return tariff
        return None

    def priced_models(self) -> set[str]:
        """Give the models that have a price or a rate at some time."""
        return {*self._prices, *self._rates}

    def find_version(self, tariff_id: str) -> Tariff | None:
        """Give the version that a call's row names; None when there is none any more."""
        return self._versions.get(tariff_id)


def _by_model(tariffs: Iterable[Tariff]) -> dict[str, list[Tariff]]:
    """Sort versions by model, the newest first."""
    found: dict[str, list[Tariff]] = {}
    for tariff in sorted(tariffs, key=lambda each: each.from_ms, reverse=True):
        found.setdefault(tariff.model, []).append(tariff)
    return found
