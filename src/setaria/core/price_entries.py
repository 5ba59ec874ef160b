"""Price entries: prices and plans as an operator writes them in a file; amounts are decimal numbers in quotes."""

import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from setaria.core.entries import ModelId, Name
from setaria.core.windows import WindowKind
from setaria.core.zones import UTC

Period = Literal["month", "year"]

_AMOUNT_ALLOWED = {"allowed": 'a decimal number in quotes, such as "0.435", with up to 9 digits after the point'}
_HOURLY_ALLOWED = {"allowed": 'a number of credits in quotes, such as "30000000", with up to 3 digits after the point'}
_FACTOR_ALLOWED = {"allowed": 'a decimal number in quotes, such as "0.8", with up to 6 digits after the point'}
_MOMENT_ALLOWED = {"allowed": "a moment with its zone and without quotes, such as 2026-05-27T00:00:00Z"}
_MINUTE_ALLOWED = {"allowed": 'a time of day in quotes, such as "16:00"; "24:00" is the end of the day'}
_LENGTH_ALLOWED = {"allowed": 'hours or days in quotes, such as "5h" or "30d", or "day" or "week"'}
_CURRENCY_ALLOWED = {"allowed": "the three capitals of a currency, such as USD"}
_TEXT_ALLOWED = {"allowed": "a text of 1 to 100 characters"}

Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$", extra=_AMOUNT_ALLOWED)]
HourlyCredits = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$", extra=_HOURLY_ALLOWED)]
Factor = Annotated[str, Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$", extra=_FACTOR_ALLOWED)]
Moment = Annotated[datetime.datetime, Meta(tz=True, extra=_MOMENT_ALLOWED)]
Minute = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", extra=_MINUTE_ALLOWED)]
Length = Annotated[str, Meta(pattern=r"^([1-9][0-9]{0,3}[hd]|day|week)$", extra=_LENGTH_ALLOWED)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", extra=_CURRENCY_ALLOWED)]
Credits = Annotated[int, Meta(ge=1, le=10**15)]
Count = Annotated[int, Meta(ge=1, le=10**12)]


class TimesEntry(msgspec.Struct, frozen=True, kw_only=True, rename={"begin": "from", "end": "to"}):
    """Times of a day at which all costs are multiplied."""

    begin: Minute
    end: Minute
    zone: str = UTC
    factor: Factor


class TierEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Calls with more input than so many tokens, whose costs are multiplied."""

    above_input_tokens: Annotated[int, Meta(ge=1, le=100_000_000)]
    factor: Factor


class PriceEntry(msgspec.Struct, frozen=True, kw_only=True, rename={"begin": "from"}):
    """What a million tokens of a model cost from a moment on; classes that are not given cost as much as `input`."""

    model: ModelId
    begin: Moment
    input: Amount
    cached_input: Amount | None = None
    cache_write: Amount | None = None
    output: Amount
    audio_per_hour: Amount | None = None
    tiers: tuple[TierEntry, ...] = ()
    time_of_day: tuple[TimesEntry, ...] = ()


class WindowEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How many credits of a plan may be used within a time; `zone` is for those of the calendar."""

    length: Length
    kind: WindowKind
    zone: str | None = None
    credits: Credits


class PlanEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as it is sold; without `models` it is for all that have a rate, a limit that is absent is the default."""

    tier: Name
    name: Annotated[str, Meta(min_length=1, max_length=100, extra=_TEXT_ALLOWED)]
    price: Amount
    period: Period = "month"
    credits: Credits
    windows: tuple[WindowEntry, ...] = ()
    models: tuple[ModelId, ...] = ()
    rpm: Count | None = None
    tpm: Count | None = None
    in_flight: Count | None = None


class RateEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How many credits a token of a model takes; classes that are not given take as many as `input`."""

    input: Amount
    cached_input: Amount | None = None
    cache_write: Amount | None = None
    output: Amount
    audio_per_hour: HourlyCredits | None = None


class PriceFile(msgspec.Struct, frozen=True):
    """Everything that a file says; what is absent in it stays as it is."""

    currency: str | None = None
    search_per_1000: str | None = None
    prices: tuple[PriceEntry, ...] = ()
    plans: tuple[PlanEntry, ...] = ()
    plan_rates: dict[str, RateEntry] = {}
    off_peak: TimesEntry | None = None
