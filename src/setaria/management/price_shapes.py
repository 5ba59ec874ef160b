"""Price shapes: what prices, rates and plans look like as JSON, wherever they are shown.

Amounts are decimal strings with their unit beside them; a factor is a decimal string.
"""

from typing import Literal

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.money import decimal_from_nano
from setaria.core.protocol import Lane
from setaria.domain.ledger.tariff import PriceList, Tariff
from setaria.domain.plans.offers import Offer
from setaria.management.price_import import PriceChanges
from setaria.management.price_simulation import SimulatedCall, SimulatedRow

State = Literal["past", "in force", "to come"]

_MILLI_IN_NANO = 1_000_000
_FACTOR_IN_NANO = 1000
_MINUTES_OF_HOUR = 60


class TierShape(msgspec.Struct, frozen=True):
    """A factor for long inputs."""

    above_input_tokens: int
    factor: str


class TimesShape(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """A factor for times of the day."""

    begin: str
    end: str
    zone: str
    factor: str


class TariffShape(msgspec.Struct, frozen=True, rename={"begin": "from"}):
    """A version of a price or rate."""

    id: str
    lane: Lane
    model: str
    begin: str
    state: State
    unit: str
    input: str
    cached_input: str
    cache_write: str
    output: str
    audio_per_hour: str
    tiers: list[TierShape]
    time_of_day: list[TimesShape]


class WindowShape(msgspec.Struct, frozen=True):
    """How many credits may be used within a time."""

    length: str
    kind: str
    zone: str
    credits: str


class OfferShape(msgspec.Struct, frozen=True):
    """A plan as it is sold; a limit of null is the default."""

    id: str
    tier: str
    period: str
    name: str
    price: str
    currency: str
    credits: str
    windows: list[WindowShape]
    models: tuple[str, ...]
    rpm: int | None
    tpm: int | None
    in_flight: int | None


class PriceChangesShape(msgspec.Struct, frozen=True):
    """What an import changed, or with `dry_run` would change."""

    dry_run: bool
    currency: str
    search_per_1000: str | None
    off_peak: TimesShape | None
    prices: list[TariffShape]
    plan_rates: list[TariffShape]
    plans: list[OfferShape]
    withdrawn: list[OfferShape]
    unchanged: int
    warnings: tuple[str, ...]


class SimulatedCallShape(msgspec.Struct, frozen=True):
    """What one call would cost."""

    id: str
    lane: Lane
    model: str
    amount: str
    currency: str
    tier_factor: str
    time_factor: str


class SimulatedRowShape(msgspec.Struct, frozen=True):
    """What the calls of one model and lane were charged and would be."""

    id: str
    lane: Lane
    calls: int
    unpriced: int
    charged: str
    simulated: str
    currency: str


def shape_tariffs(listed: PriceList, now_ms: int) -> list[TariffShape]:
    """Shape all versions, by lane and model, oldest first."""
    lanes: tuple[tuple[Lane, tuple[Tariff, ...]], ...] = (("payg", listed.prices), ("plan", listed.rates))
    return [
        shape_tariff(lane, tariff, _state(tariff, versions, now_ms), listed.currency)
        for lane, versions in lanes
        for tariff in sorted(versions, key=lambda each: (each.model, each.from_ms))
    ]


def shape_tariff(lane: Lane, tariff: Tariff, state: State, currency: str) -> TariffShape:
    """Shape a version of a price or rate."""
    return TariffShape(
        id=tariff.id,
        lane=lane,
        model=tariff.model,
        begin=iso_from_ms(tariff.from_ms),
        state=state,
        unit=f"{currency} per million tokens" if lane == "payg" else "credits per token",
        input=plain(tariff.input),
        cached_input=plain(tariff.cached_input),
        cache_write=plain(tariff.cache_write),
        output=plain(tariff.output),
        audio_per_hour=hourly(tariff, lane),
        tiers=[TierShape(tier.above_input_tokens, factor_from_millionths(tier.factor)) for tier in tariff.tiers],
        time_of_day=[
            TimesShape(_time(each.from_minute), _time(each.to_minute), each.zone, factor_from_millionths(each.factor))
            for each in tariff.times
        ],
    )


def shape_offer(offer: Offer, currency: str) -> OfferShape:
    """Shape a plan as it is sold."""
    return OfferShape(
        id=f"{offer.tier}/{offer.period}",
        tier=offer.tier,
        period=offer.period,
        name=offer.name,
        price=decimal_from_nano(offer.price_nano),
        currency=currency,
        credits=credits_from_milli(offer.credits),
        windows=[
            WindowShape(each.times.length, each.times.kind, each.times.zone, credits_from_milli(each.credits))
            for each in offer.windows
        ],
        models=offer.models,
        rpm=offer.rpm,
        tpm=offer.tpm,
        in_flight=offer.in_flight,
    )


def shape_price_changes(changes: PriceChanges, known: PriceList, now_ms: int, *, dry_run: bool) -> PriceChangesShape:
    """Shape what an import changes."""
    currency = changes.currency or known.currency
    shaped = [
        shape_tariff(each.lane, each.tariff, "to come" if each.tariff.from_ms > now_ms else "in force", currency)
        for each in changes.versions
    ]
    times = changes.off_peak
    return PriceChangesShape(
        dry_run=dry_run,
        currency=currency,
        search_per_1000=None if changes.search_nano is None else decimal_from_nano(changes.search_nano),
        off_peak=None
        if times is None
        else TimesShape(
            _time(times.from_minute), _time(times.to_minute), times.zone, factor_from_millionths(times.factor)
        ),
        prices=[each for each in shaped if each.lane == "payg"],
        plan_rates=[each for each in shaped if each.lane == "plan"],
        plans=[shape_offer(offer, currency) for offer in changes.offers],
        withdrawn=[shape_offer(offer, currency) for offer in changes.withdrawn],
        unchanged=changes.unchanged,
        warnings=changes.warnings,
    )


def shape_simulated_call(call: SimulatedCall, lane: Lane, currency: str) -> SimulatedCallShape:
    """Shape what one call would cost."""
    return SimulatedCallShape(
        id=call.tariff.id,
        lane=lane,
        model=call.tariff.model,
        amount=_amount(lane, call.amount),
        currency=_currency(lane, currency),
        tier_factor=factor_from_millionths(call.tier_factor),
        time_factor=factor_from_millionths(call.time_factor),
    )


def shape_simulated_row(row: SimulatedRow, currency: str) -> SimulatedRowShape:
    """Shape what the calls of a model would have cost."""
    amounts = _amount(row.lane, row.charged), _amount(row.lane, row.simulated)
    return SimulatedRowShape(row.model, row.lane, row.calls, row.unpriced, *amounts, _currency(row.lane, currency))


def credits_from_milli(millicredits: int) -> str:
    """Write credits exactly, without a point where they are whole. Examples: `4100000000`, `0.5`, `-2.25`."""
    return plain(millicredits * _MILLI_IN_NANO)


def plain(nano: int) -> str:
    """Write billionths exactly with as few digits as they need. Examples: 435,000,000 is `0.435`; 10^9 is `1`."""
    text = decimal_from_nano(nano)
    return text.rstrip("0").rstrip(".")


def hourly(tariff: Tariff, lane: Lane) -> str:
    """Write what an hour of sound costs, in money or credits."""
    return plain(tariff.audio_hour) if lane == "payg" else credits_from_milli(tariff.audio_hour)


def factor_from_millionths(factor: int) -> str:
    """Write a factor. Examples: 800,000 is `0.8`; 1,000,000 is `1`."""
    return plain(factor * _FACTOR_IN_NANO)


def _amount(lane: Lane, amount: int) -> str:
    return decimal_from_nano(amount) if lane == "payg" else credits_from_milli(amount)


def _currency(lane: Lane, currency: str) -> str:
    return currency if lane == "payg" else "credits"


def _time(minute: int) -> str:
    return f"{minute // _MINUTES_OF_HOUR:02}:{minute % _MINUTES_OF_HOUR:02}"


def _state(tariff: Tariff, versions: tuple[Tariff, ...], now_ms: int) -> State:
    if tariff.from_ms > now_ms:
        return "to come"
    later = [each for each in versions if each.model == tariff.model and tariff.from_ms < each.from_ms <= now_ms]
    return "past" if later else "in force"
