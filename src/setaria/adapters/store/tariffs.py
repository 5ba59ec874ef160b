"""Tariffs: the rows of prices and rates, to be kept as JSON and read by both engines' stores."""

from collections.abc import Iterable
from typing import Any

import msgspec

from setaria.domain.ledger.tariff import PriceList, Tariff

# One statement, so that both tables are seen as they are at one moment.
READ_TARIFFS = """
    SELECT lane AS kind, entry, from_ms FROM prices
    UNION ALL SELECT name, entry, 0 FROM tariffs WHERE name = 'currency'
    ORDER BY from_ms
"""

_read_tariff = msgspec.json.Decoder(Tariff).decode
_read_text = msgspec.json.Decoder(str).decode


def price_list_from_rows(rows: Iterable[Any]) -> PriceList:  # what SQL gives has no types
    """Read the rows of `READ_TARIFFS`."""
    found = PriceList()
    prices, rates = [], []
    for kind, entry, _ in rows:
        match kind:
            case "payg":
                prices.append(_read_tariff(entry))
            case "plan":
                rates.append(_read_tariff(entry))
            case _:
                found = PriceList(_read_text(entry))
    return PriceList(found.currency, tuple(prices), tuple(rates))
