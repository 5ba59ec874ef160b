"""Tariffs: implements the ports PriceBook and OfferBook within one transaction."""

import msgspec
from sqlalchemy import Connection, delete, insert, select, text, update

from setaria.adapters.store.schema import changes, prices, tariffs
from setaria.adapters.store.tariffs import CURRENCY, OFF_PEAK, READ_TARIFFS, SEARCH, price_list_from_rows
from setaria.core.protocol import Lane
from setaria.domain.ledger.tariff import PriceList, Tariff, Times
from setaria.domain.plans.offers import Offer

_PLAN = "plan/"
_read_offer = msgspec.json.Decoder(Offer).decode


class TariffTable:
    """Prices, rates and plans, as people import them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_prices(self) -> PriceList:
        """Read all prices and rates in all versions."""
        return price_list_from_rows(self._connection.execute(text(READ_TARIFFS)))

    def add_tariff(self, lane: Lane, tariff: Tariff, created_at_ms: int) -> None:
        """Insert a version of a price (`payg`) or of a rate (`plan`), and count up the change counter."""
        self._connection.execute(
            insert(prices).values(
                id=tariff.id,
                lane=lane,
                model=tariff.model,
                from_ms=tariff.from_ms,
                entry=_to_json(tariff),
                created_at_ms=created_at_ms,
            )
        )
        self._count_tariffs()

    def remove_tariff(self, tariff_id: str) -> None:
        """Delete a version that has not begun, and count up the change counter."""
        self._connection.execute(delete(prices).where(prices.c.id == tariff_id))
        self._count_tariffs()

    def set_currency(self, currency: str, created_at_ms: int) -> None:
        """Write the currency of all amounts, and count up the change counter."""
        self._put(CURRENCY, _to_json(currency), created_at_ms)

    def set_off_peak(self, times: Times, created_at_ms: int) -> None:
        """Write when plans pay less for all models, and count up the change counter."""
        self._put(OFF_PEAK, _to_json(times), created_at_ms)

    def set_search_price(self, search_nano: int, created_at_ms: int) -> None:
        """Write what 1,000 searches cost, and count up the change counter."""
        self._put(SEARCH, _to_json(search_nano), created_at_ms)

    def read_offers(self) -> list[Offer]:
        """Read all offers, by tier and period."""
        question = select(tariffs.c.entry).where(tariffs.c.name.startswith(_PLAN, autoescape=True))
        offers = [_read_offer(row.entry) for row in self._connection.execute(question)]
        return sorted(offers, key=lambda offer: (offer.tier, offer.period))

    def put_offer(self, offer: Offer, created_at_ms: int) -> None:
        """Insert an offer, or replace the one of its tier and period, and count up the change counter."""
        self._put(_name_offer(offer), _to_json(offer), created_at_ms)

    def remove_offer(self, offer: Offer) -> None:
        """Delete the offer of this tier and period, and count up the change counter."""
        self._connection.execute(delete(tariffs).where(tariffs.c.name == _name_offer(offer)))
        self._count_tariffs()

    def _put(self, name: str, entry: str, created_at_ms: int) -> None:
        self._connection.execute(delete(tariffs).where(tariffs.c.name == name))
        self._connection.execute(insert(tariffs).values(name=name, entry=entry, created_at_ms=created_at_ms))
        self._count_tariffs()

    def _count_tariffs(self) -> None:
        self._connection.execute(update(changes).values(counter=changes.c.counter + 1))


def _name_offer(offer: Offer) -> str:
    return f"{_PLAN}{offer.tier}/{offer.period}"


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
