"""Tariffs: prices, rates and what is sold beside single calls, within one transaction."""

import msgspec
from sqlalchemy import Connection, delete, insert, text, update

from setaria.adapters.store.schema import changes, prices, tariffs
from setaria.adapters.store.tariffs import READ_TARIFFS, price_list_from_rows
from setaria.core.protocol import Lane
from setaria.domain.ledger.tariff import PriceList, Tariff


class TariffTable:
    """Prices and rates, as people import them."""

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
                entry=msgspec.json.encode(tariff).decode(),
                created_at_ms=created_at_ms,
            )
        )
        self._count_tariffs()

    def set_currency(self, currency: str, created_at_ms: int) -> None:
        """Write the currency of all amounts, and count up the change counter."""
        self._put_offer("currency", msgspec.json.encode(currency).decode(), created_at_ms)

    def _put_offer(self, name: str, entry: str, created_at_ms: int) -> None:
        self._connection.execute(delete(tariffs).where(tariffs.c.name == name))
        self._connection.execute(insert(tariffs).values(name=name, entry=entry, created_at_ms=created_at_ms))
        self._count_tariffs()

    def _count_tariffs(self) -> None:
        self._connection.execute(update(changes).values(counter=changes.c.counter + 1))
