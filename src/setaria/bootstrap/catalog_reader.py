"""Catalog reader: keeps a worker's catalog and clients at what file and database say."""

from setaria.bootstrap.catalog import assemble_catalog
from setaria.bootstrap.upstreams import UpstreamSet
from setaria.config import Settings
from setaria.domain.catalog.model import Catalog
from setaria.domain.catalog.ports import CatalogSource
from setaria.gateway.ports import Log


class CatalogReader:
    """Brings a worker's catalog and clients to what file and database say."""

    def __init__(
        self, settings: Settings, source: CatalogSource, catalog: Catalog, upstreams: UpstreamSet, log: Log
    ) -> None:
        self._settings = settings
        self._source = source
        self._catalog = catalog
        self._upstreams = upstreams
        self._log = log
        self._problems: tuple[str, ...] = ()

    async def renew(self) -> None:
        """Read everything anew.

        Raises: Unavailable when the database can't be read; then all stays as it is.
        """
        assembled = assemble_catalog(self._settings, await self._source.read_catalog())
        if assembled.problems != self._problems:
            self._problems = assembled.problems
            for problem in assembled.problems:
                self._log.warning("catalog", problem=problem)
        wanted = {each.name: each for each in assembled.upstreams}
        self._catalog.renew(assembled.usable(self._upstreams.renew(wanted)).models, assembled.upstreams)
