"""Tariff reader: keeps a worker's prices, rates and plans at what the database says."""

from setaria.domain.ledger.ports import TariffSource
from setaria.domain.ledger.tariff import Tariffs
from setaria.gateway.plan_cache import PlanCache


class TariffReader:
    """Brings a worker's prices and rates to what the database says, and lets it ask for plans anew."""

    def __init__(self, source: TariffSource, tariffs: Tariffs, plans: PlanCache) -> None:
        self._source = source
        self._tariffs = tariffs
        self._plans = plans

    async def renew(self) -> None:
        """Read everything anew.

        Raises: Unavailable when the database can't be read; then all stays as it is.
        """
        self._plans.forget()
        self._tariffs.renew(await self._source.read_tariffs())
