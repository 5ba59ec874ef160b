"""Price import: takes a file of prices and plans over, as a whole or not at all."""

import datetime
from collections.abc import Iterator, Sequence

import msgspec

from setaria.core.clock import Clock, iso_from_ms
from setaria.core.entry_reading import EntryFault, hint
from setaria.core.ids import new_tariff_id
from setaria.core.price_entries import PlanEntry, PriceEntry, PriceFile, RateEntry, TimesEntry
from setaria.core.price_reading import minute_from_text, scale_decimal
from setaria.core.protocol import Lane
from setaria.core.windows import WindowTimes
from setaria.core.zones import UTC
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.ports import PriceBook
from setaria.domain.ledger.tariff import PriceList, Tariff, Tier, Times
from setaria.domain.plans.offers import Offer, Window
from setaria.domain.plans.ports import OfferBook

_NANO_DIGITS = 9
_FACTOR_DIGITS = 6
_MILLI = 1000
_MILLI_DIGITS = 3


class Version(msgspec.Struct, frozen=True):
    """A version of a price or rate that comes in; `replaced` is the one, not begun yet, whose place it takes."""

    lane: Lane
    tariff: Tariff
    replaced: Tariff | None = None


class PriceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an import changes; of the first four None is nothing. `unchanged` are entries that were there already."""

    currency: str | None = None
    search_nano: int | None = None
    off_peak: Times | None = None
    versions: tuple[Version, ...] = ()
    offers: tuple[Offer, ...] = ()
    withdrawn: tuple[Offer, ...] = ()
    unchanged: int = 0
    warnings: tuple[str, ...] = ()


def compare_prices(
    prices: PriceBook, offers: OfferBook, now_ms: int, file: PriceFile, models: Sequence[Model]
) -> PriceChanges:
    """Tell what a file would change; nothing is changed.

    Takes: models, those of the catalog; others only give a warning, for they may come later.
    Raises: EntryFault when a version contradicts one that is there.
    """
    known = prices.read_prices()
    changes = PriceChanges(
        currency=_compare_currency(known, file),
        search_nano=_compare_search(known, file),
        off_peak=_compare_off_peak(known, file),
        warnings=tuple(_doubt_models(file, models)),
    )
    versions = [
        *_compare_versions(known.prices, file, now_ms),
        *_compare_rates(known, file, changes.off_peak or known.off_peak, now_ms),
    ]
    new, withdrawn = _compare_offers(offers.read_offers(), file)
    stale = tuple(
        f"the price of {each.tariff.model} begins in the past, at {iso_from_ms(each.tariff.from_ms)}; "
        "calls since then keep what they were charged"
        for each in versions
        if each.lane == "payg" and each.tariff.from_ms < now_ms and _has_begun(known.prices, each.tariff.model, now_ms)
    )
    changed = [each for each in versions if each.lane == "payg" or each.tariff.model in file.plan_rates]
    same = len(file.prices) + len(file.plan_rates) + len(file.plans) - len(changed) - len(new)
    return msgspec.structs.replace(
        changes,
        versions=tuple(versions),
        offers=new,
        withdrawn=withdrawn,
        unchanged=same,
        warnings=changes.warnings + stale,
    )


def import_prices(prices: PriceBook, offers: OfferBook, clock: Clock, changes: PriceChanges) -> None:
    """Take over what `compare_prices` told in this transaction; workers know it within a second."""
    now_ms = clock.now_ms()
    if changes.currency is not None:
        prices.set_currency(changes.currency, now_ms)
    if changes.search_nano is not None:
        prices.set_search_price(changes.search_nano, now_ms)
    if changes.off_peak is not None:
        prices.set_off_peak(changes.off_peak, now_ms)
    for version in changes.versions:
        if version.replaced is not None:
            prices.remove_tariff(version.replaced.id)
        prices.add_tariff(version.lane, version.tariff, now_ms)
    for offer in changes.offers:
        offers.put_offer(offer, now_ms)
    for offer in changes.withdrawn:
        offers.remove_offer(offer)


def tariffs_from_file(file: PriceFile, now_ms: int) -> PriceList:
    """Give what a file says by itself, as if nothing else had ever been imported."""
    off_peak = None if file.off_peak is None else _times(file.off_peak)
    rates = tuple(_rate(model, entry, off_peak, now_ms) for model, entry in file.plan_rates.items())
    return PriceList(prices=tuple(_price(entry) for entry in file.prices), rates=rates, off_peak=off_peak)


def _compare_currency(known: PriceList, file: PriceFile) -> str | None:
    if file.currency in (None, known.currency):
        return None
    if known.prices:
        raise EntryFault(
            ("currency",),
            f"this installation counts in {known.currency} and has prices in it; {file.currency} can't take its place",
        )
    return file.currency


def _compare_search(known: PriceList, file: PriceFile) -> int | None:
    if file.search_per_1000 is None:
        return None
    search_nano = scale_decimal(file.search_per_1000, _NANO_DIGITS)
    return None if search_nano == known.search_nano else search_nano


def _compare_off_peak(known: PriceList, file: PriceFile) -> Times | None:
    times = None if file.off_peak is None else _times(file.off_peak)
    return None if times == known.off_peak else times


def _compare_versions(known: Sequence[Tariff], file: PriceFile, now_ms: int) -> Iterator[Version]:
    for place, entry in enumerate(file.prices):
        tariff = _price(entry)
        others = [each for each in known if each.model == tariff.model]
        same = next((each for each in others if each.from_ms == tariff.from_ms), None)
        if same is not None and _content(same) == _content(tariff):
            continue
        if same is not None and same.from_ms <= now_ms:
            raise EntryFault(
                ("prices", place, "from"),
                f"{tariff.model} already has another price from {iso_from_ms(same.from_ms)} on, which has begun and "
                "can't be changed; give the new one a later from",
            )
        newest_ms = max((each.from_ms for each in others), default=tariff.from_ms)
        if tariff.from_ms < newest_ms:
            raise EntryFault(
                ("prices", place, "from"),
                f"{tariff.model} already has a price that begins later, at {iso_from_ms(newest_ms)}; "
                "give the new one a from after that",
            )
        yield Version("payg", tariff, same)


def _compare_rates(known: PriceList, file: PriceFile, off_peak: Times | None, now_ms: int) -> Iterator[Version]:
    """Give the rates that change, also those that a new off-peak changes; a rate begins when it is imported."""
    newest = {tariff.model: tariff for tariff in sorted(known.rates, key=lambda each: each.from_ms)}
    times = () if off_peak is None else (off_peak,)
    wanted = {
        model: msgspec.structs.replace(tariff, id=new_tariff_id(), from_ms=now_ms, times=times)
        for model, tariff in newest.items()
    }
    wanted |= {model: _rate(model, entry, off_peak, now_ms) for model, entry in file.plan_rates.items()}
    for model, tariff in wanted.items():
        if model not in newest or _content(newest[model]) != _content(tariff):
            begun = newest.get(model)
            yield Version("plan", tariff, begun if begun is not None and begun.from_ms == now_ms else None)


def _compare_offers(known: Sequence[Offer], file: PriceFile) -> tuple[tuple[Offer, ...], tuple[Offer, ...]]:
    """Tell which offers are new or changed, and which are no longer sold: a file with plans names all of them."""
    if not file.plans:
        return (), ()
    wanted = [_offer(entry) for entry in file.plans]
    names = {(offer.tier, offer.period) for offer in wanted}
    return (
        tuple(offer for offer in wanted if offer not in known),
        tuple(offer for offer in known if (offer.tier, offer.period) not in names),
    )


def _doubt_models(file: PriceFile, models: Sequence[Model]) -> Iterator[str]:
    ids = [model.id for model in models]
    aliases = {alias: model.id for model in models for alias in model.aliases}
    named = [entry.model for entry in file.prices] + [*file.plan_rates]
    named += [model for plan in file.plans for model in plan.models]
    for name in dict.fromkeys(named):
        if name in aliases:
            yield f"{name} is another name of {aliases[name]}; prices count for the id, so this one has no effect"
        elif name not in ids:
            yield f"there is no model {name} yet{hint(name, ids)}"


def _has_begun(known: Sequence[Tariff], model: str, now_ms: int) -> bool:
    return any(each.model == model and each.from_ms <= now_ms for each in known)


def _content(tariff: Tariff) -> Tariff:
    return msgspec.structs.replace(tariff, id="", from_ms=0)


def _price(entry: PriceEntry) -> Tariff:
    return Tariff(
        new_tariff_id(),
        entry.model,
        _moment_ms(entry.begin),
        *_classes(entry),
        tuple(Tier(tier.above_input_tokens, scale_decimal(tier.factor, _FACTOR_DIGITS)) for tier in entry.tiers),
        tuple(_times(each) for each in entry.time_of_day),
        scale_decimal(entry.audio_per_hour or "0", _NANO_DIGITS),
    )


def _rate(model: str, entry: RateEntry, off_peak: Times | None, now_ms: int) -> Tariff:
    times = () if off_peak is None else (off_peak,)
    audio_hour = scale_decimal(entry.audio_per_hour or "0", _MILLI_DIGITS)
    return Tariff(new_tariff_id(), model, now_ms, *_classes(entry), times=times, audio_hour=audio_hour)


def _classes(entry: PriceEntry | RateEntry) -> tuple[int, int, int, int]:
    """Give the four classes; nano-units a million tokens and, of credits a token, milli-credits a million tokens."""
    texts = (entry.input, entry.cached_input or entry.input, entry.cache_write or entry.input, entry.output)
    first, second, third, fourth = (scale_decimal(text, _NANO_DIGITS) for text in texts)
    return first, second, third, fourth


def _times(entry: TimesEntry) -> Times:
    factor = scale_decimal(entry.factor, _FACTOR_DIGITS)
    return Times(minute_from_text(entry.begin), minute_from_text(entry.end), factor, entry.zone)


def _offer(entry: PlanEntry) -> Offer:
    windows = tuple(
        Window(WindowTimes(each.length, each.kind, each.zone or UTC), each.credits * _MILLI) for each in entry.windows
    )
    price_nano = scale_decimal(entry.price, _NANO_DIGITS)
    return Offer(
        entry.tier,
        entry.name,
        price_nano,
        entry.period,
        entry.credits * _MILLI,
        windows,
        entry.models,
        entry.rpm,
        entry.tpm,
        entry.in_flight,
    )


def _moment_ms(moment: datetime.datetime) -> int:
    return (moment - datetime.datetime.fromtimestamp(0, datetime.UTC)) // datetime.timedelta(milliseconds=1)
