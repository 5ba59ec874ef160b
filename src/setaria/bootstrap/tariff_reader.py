"""Tariff reader: keeps a worker's prices and rates at what the database says."""

from setaria.domain.ledger.ports import TariffSource
from setaria.domain.ledger.tariff import Tariffs


class TariffReader:
    """Brings a worker's prices and rates to what the database says."""

    def __init__(self, source: TariffSource, tariffs: Tariffs) -> None:
        self._source = source
        self._tariffs = tariffs

    async def renew(self) -> None:
        """Read everything anew.

        Raises: Unavailable when the database can't be read; then all stays as it is.
        """
        self._tariffs.renew(await self._source.read_tariffs())
