"""Price book: prices, rates and offers in memory."""

import msgspec.structs

from setaria.core.protocol import Lane
from setaria.domain.ledger.tariff import PriceList, Tariff, Times
from setaria.domain.plans.offers import Offer


class FakePriceBook:
    """Implements the ports PriceBook and OfferBook; `changes` is its change counter."""

    def __init__(self) -> None:
        self._listed = PriceList()
        self._offers: dict[tuple[str, str], Offer] = {}
        self.changes = 0

    def read_prices(self) -> PriceList:
        return self._listed

    def add_tariff(self, lane: Lane, tariff: Tariff, created_at_ms: int) -> None:
        name = "prices" if lane == "payg" else "rates"
        self._change(**{name: (*getattr(self._listed, name), tariff)})

    def remove_tariff(self, tariff_id: str) -> None:
        for name in ("prices", "rates"):
            self._change(**{name: tuple(each for each in getattr(self._listed, name) if each.id != tariff_id)})

    def set_currency(self, currency: str, created_at_ms: int) -> None:
        self._change(currency=currency)

    def set_off_peak(self, times: Times, created_at_ms: int) -> None:
        self._change(off_peak=times)

    def set_search_price(self, search_nano: int, created_at_ms: int) -> None:
        self._change(search_nano=search_nano)

    def read_offers(self) -> list[Offer]:
        return [self._offers[name] for name in sorted(self._offers)]

    def put_offer(self, offer: Offer, created_at_ms: int) -> None:
        self._offers[offer.tier, offer.period] = offer
        self.changes += 1

    def remove_offer(self, offer: Offer) -> None:
        del self._offers[offer.tier, offer.period]
        self.changes += 1

    def _change(self, **fields: object) -> None:
        self._listed = msgspec.structs.replace(self._listed, **fields)
        self.changes += 1
