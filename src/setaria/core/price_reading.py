"""Price reading: holds a file of prices and plans against what is allowed."""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from setaria.core.entry_reading import EntryFault, Path, hint, read_table
from setaria.core.errors import Misconfigured
from setaria.core.price_entries import (
    Amount,
    Currency,
    PlanEntry,
    PriceEntry,
    PriceFile,
    RateEntry,
    TimesEntry,
    WindowEntry,
)
from setaria.core.zones import find_zone

MODEL_ID = r"[A-Za-z0-9][A-Za-z0-9._/:@+\[\]-]{0,127}"
DAY_MINUTES = 24 * 60
_HOURS_OF_DAY = 24
_FIRST = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LAST = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)  # in every zone a moment of the year 9999


class _Heads(msgspec.Struct, kw_only=True):
    """What stands at the top of a file, before its tables."""

    currency: Currency | None = None
    search_per_1000: Amount | None = None


def read_price_file(content: Mapping[str, object]) -> PriceFile:
    """Read prices and plans as a person wrote them.

    Raises: EntryFault, whose path leads to the fault from the top of the file.
    """
    for key in content:
        if key not in PriceFile.__struct_fields__:
            raise EntryFault((key,), f"{key} is nothing that prices have{hint(key, PriceFile.__struct_fields__)}")
    heads = read_table(_Heads, {key: content[key] for key in _Heads.__struct_fields__ if key in content}, (), "file")
    off_peak = read_table(TimesEntry, content["off_peak"], ("off_peak",), "off_peak") if "off_peak" in content else None
    file = PriceFile(
        heads.currency,
        heads.search_per_1000,
        tuple(_read_price(each, path) for each, path in _tables(content, "prices")),
        tuple(_read_plan(each, path) for each, path in _tables(content, "plans")),
        dict(_read_rates(content.get("plan_rates", {}))),
        off_peak,
    )
    if file.off_peak is not None:
        _check_times((file.off_peak,), ("off_peak",))
    _check_doubles([f"versions of {each.model} from {_utc(each.begin)} on" for each in file.prices], "prices")
    _check_doubles([f"plans {each.tier} for a {each.period}" for each in file.plans], "plans")
    return file


def minute_from_text(text: str) -> int:
    """Read a time of day. Examples: `16:30` is 990, `24:00` is 1440."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def scale_decimal(text: str, digits: int) -> int:
    """Read a decimal number exactly, as a whole number of its last digit. Example: `2.5` with 9 is 2,500,000,000."""
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(digits, "0"))


def _tables(content: Mapping[str, object], table: str) -> Iterator[tuple[object, Path]]:
    """Give each of an array of tables with its place."""
    tables = content.get(table, [])
    if not isinstance(tables, list):
        raise EntryFault((table,), f"{table} must be tables that begin with [[{table}]] each")
    for place, each in enumerate(tables):
        yield each, (table, place)


def _read_price(content: object, path: Path) -> PriceEntry:
    price = read_table(PriceEntry, content, path, "prices")
    if not _FIRST <= price.begin <= _LAST:
        raise EntryFault(
            (*path, "from"), f"prices.from can't be {price.begin.isoformat()}; allowed: 1970-01-01 to 9999-12-30"
        )
    bounds = [tier.above_input_tokens for tier in price.tiers]
    for place, bound in enumerate(bounds):
        if bound in bounds[:place]:
            raise EntryFault((*path, "tiers", place), f"there are two tiers above {bound} input tokens; remove one")
    _check_times(price.time_of_day, (*path, "time_of_day"))
    return price


def _read_plan(content: object, path: Path) -> PlanEntry:
    plan = read_table(PlanEntry, content, path, "plans")
    for place, window in enumerate(plan.windows):
        _check_window(window, (*path, "windows", place))
        if window in plan.windows[:place]:
            raise EntryFault((*path, "windows", place), f"the plan {plan.tier} has this window twice; remove one")
    return plan


def _read_rates(content: object) -> Iterator[tuple[str, RateEntry]]:
    if not isinstance(content, Mapping):
        raise EntryFault(("plan_rates",), 'plan_rates must be tables that begin with [plan_rates."MODEL"] each')
    for model, rate in content.items():
        if not re.fullmatch(MODEL_ID, model):
            raise EntryFault(("plan_rates", model), f"{model[:100]!r} is no id of a model")
        yield model, read_table(RateEntry, rate, ("plan_rates", model), "plan_rates")


def _check_times(times: Sequence[TimesEntry], path: Path) -> None:
    """Make sure that a list of times has one zone and no minute twice."""
    taken: set[int] = set()
    for place, each in enumerate(times):
        here = (*path, place) if len(times) > 1 else path
        _check_zone(each.zone, here)
        if each.zone != times[0].zone:
            raise EntryFault(here, f"times of day in two zones, {times[0].zone} and {each.zone}; use one of them")
        begin, end = minute_from_text(each.begin), minute_from_text(each.end)
        if begin == end:
            raise EntryFault(
                here, f"the times from {each.begin} to {each.end} are empty; the whole day is 00:00 to 24:00"
            )
        minutes = range(begin, end) if begin < end else (*range(begin, DAY_MINUTES), *range(end))
        if not taken.isdisjoint(minutes):
            raise EntryFault(here, f"the times from {each.begin} to {each.end} overlap with others; mend one of them")
        taken.update(minutes)


def _check_window(window: WindowEntry, path: Path) -> None:
    if window.kind == "rolling":
        if window.zone is not None:
            raise EntryFault((*path, "zone"), "a rolling window opens at a call and has no zone; remove it")
        return
    if window.zone is not None:
        _check_zone(window.zone, (*path, "zone"))
    hours = int(window.length[:-1]) if window.length.endswith("h") else 1
    if hours >= _HOURS_OF_DAY or re.fullmatch(r"\d+d", window.length):
        raise EntryFault(
            (*path, "length"),
            f"a window of the calendar can't last {window.length}; allowed: 1h to 23h from midnight on, day, week",
        )


def _check_zone(zone: str, path: Path) -> None:
    try:
        find_zone(zone)
    except Misconfigured as error:
        raise EntryFault(path, error.message) from None


def _check_doubles(names: Sequence[str], table: str) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise EntryFault((table, place), f"there are two {name}; remove one")


def _utc(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
