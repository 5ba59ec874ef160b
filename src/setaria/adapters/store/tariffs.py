"""Tariffs: the rows of prices and rates, to be kept as JSON and read by both engines' stores."""

from collections.abc import Iterable
from typing import Any

import msgspec

from setaria.domain.ledger.tariff import PriceList, Tariff, Times

CURRENCY, OFF_PEAK, SEARCH = "currency", "off_peak", "search"

# One statement, so that both tables are seen as they are at one moment.
READ_TARIFFS = """
    SELECT lane AS kind, entry, from_ms FROM prices
    UNION ALL SELECT name, entry, 0 FROM tariffs WHERE name IN ('currency', 'off_peak', 'search')
    ORDER BY from_ms
"""

_read_tariff = msgspec.json.Decoder(Tariff).decode


def price_list_from_rows(rows: Iterable[Any]) -> PriceList:  # what SQL gives has no types
    """Read the rows of `READ_TARIFFS`."""
    prices, rates = [], []
    found: dict[str, str] = {}
    for kind, entry, _ in rows:
        match kind:
            case "payg":
                prices.append(_read_tariff(entry))
            case "plan":
                rates.append(_read_tariff(entry))
            case _:
                found[kind] = entry
    listed = PriceList(prices=tuple(prices), rates=tuple(rates))
    if CURRENCY in found:
        listed = msgspec.structs.replace(listed, currency=msgspec.json.decode(found[CURRENCY], type=str))
    if OFF_PEAK in found:
        listed = msgspec.structs.replace(listed, off_peak=msgspec.json.decode(found[OFF_PEAK], type=Times))
    if SEARCH in found:
        listed = msgspec.structs.replace(listed, search_nano=msgspec.json.decode(found[SEARCH], type=int))
    return listed
