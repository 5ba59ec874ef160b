"""Price simulation: what calls would cost, made up or made in the past."""

from collections.abc import Iterable

import msgspec

from setaria.core.clock import Clock
from setaria.core.entry_reading import hint
from setaria.core.errors import NotFound
from setaria.core.price_entries import PriceFile
from setaria.core.protocol import Lane
from setaria.core.usage import Usage
from setaria.domain.ledger.ports import PriceBook
from setaria.domain.ledger.records import CallRecord
from setaria.domain.ledger.tariff import PriceList, Tariff, Tariffs, charge, tier_factor, time_factor
from setaria.management.price_import import tariffs_from_file


class SimulatedCall(msgspec.Struct, frozen=True):
    """What one call would cost, in the units of its tariff; the factors are millionths."""

    tariff: Tariff
    tier_factor: int
    time_factor: int
    amount: int


class SimulatedRow(msgspec.Struct, frozen=True):
    """What the calls of one model and lane were charged and would be; `unpriced` of them have no price there."""

    lane: Lane
    model: str
    calls: int = 0
    unpriced: int = 0
    charged: int = 0
    simulated: int = 0


def simulate_call(tariffs: Tariffs, lane: Lane, model: str, usage: Usage, at_ms: int) -> SimulatedCall:
    """Tell what a call of this usage would cost that began at this moment.

    Raises: NotFound when the model has no price, or of a plan no rate, at that moment.
    """
    tariff = tariffs.price_of(model, at_ms) if lane == "payg" else tariffs.rate_of(model, at_ms)
    if tariff is None:
        what = "price" if lane == "payg" else "rate for plans"
        known = tariffs.priced_models()
        rest = f"; see `setaria prices list --model {model}`" if model in known else hint(model, known)
        raise NotFound(f"the model {model[:100]} has no {what} at that time{rest}")
    factors = tier_factor(tariff, usage), time_factor(tariff, at_ms)
    return SimulatedCall(tariff, *factors, charge(tariff, usage, at_ms))


def simulate_calls(tariffs: Tariffs, calls: Iterable[CallRecord]) -> list[SimulatedRow]:
    """Tell what calls of the past would have cost, by lane and model."""
    rows: dict[tuple[Lane, str], SimulatedRow] = {}
    for call in calls:
        row = rows.get((call.lane, call.model), SimulatedRow(call.lane, call.model))
        find = tariffs.price_of if call.lane == "payg" else tariffs.rate_of
        tariff = find(call.model, call.at_ms)
        rows[call.lane, call.model] = SimulatedRow(
            call.lane,
            call.model,
            row.calls + 1,
            row.unpriced + (tariff is None),
            row.charged + (call.charge_nano if call.lane == "payg" else call.charge_millicredits),
            row.simulated + (0 if tariff is None else charge(tariff, call.usage, call.at_ms)),
        )
    return [rows[key] for key in sorted(rows)]


def choose_tariffs(prices: PriceBook, clock: Clock, free: Iterable[str], file: PriceFile | None) -> Tariffs:
    """Give what was imported, or what a file says by itself, whose first versions hold for all of the past.

    Takes: free, the models that cost nothing without a price.
    """
    listed = prices.read_prices() if file is None else _hold_from_the_first(tariffs_from_file(file, clock.now_ms()))
    tariffs = Tariffs(free)
    tariffs.renew(listed)
    return tariffs


def _hold_from_the_first(listed: PriceList) -> PriceList:
    return msgspec.structs.replace(listed, prices=_stretch(listed.prices), rates=_stretch(listed.rates))


def _stretch(versions: tuple[Tariff, ...]) -> tuple[Tariff, ...]:
    first = {tariff.model: tariff for tariff in sorted(versions, key=lambda each: each.from_ms, reverse=True)}
    return tuple(
        msgspec.structs.replace(tariff, from_ms=0) if first[tariff.model] is tariff else tariff for tariff in versions
    )
