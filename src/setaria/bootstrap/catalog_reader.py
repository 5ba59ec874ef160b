"""Catalog reader: keeps a worker's catalog and clients at what file and database say."""

from collections.abc import Collection

from setaria.bootstrap.catalog import assemble_catalog
from setaria.bootstrap.model_folder import find_fault
from setaria.bootstrap.upstreams import UpstreamSet
from setaria.config import Settings
from setaria.domain.catalog.assembly import Assembled
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
        self._faults: dict[str, str] = {}

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
        usable = assembled.usable(self._upstreams.renew(wanted))
        engines = {name for name, each in wanted.items() if each.kind == "local"}
        faults = _find_faults(usable, engines)
        if faults != self._faults:
            self._faults = faults
            for deployment, reason in faults.items():
                self._log.error("deployment_unusable", deployment=deployment, reason=reason)
        self._catalog.renew(usable.keep(lambda each: each.name not in faults).models, assembled.upstreams)


def _find_faults(assembled: Assembled, engines: Collection[str]) -> dict[str, str]:
    """Find the deployments at the built-in engine that it can't serve; gives why, by the deployment's name."""
    local = (each for model in assembled.models for each in model.deployments if each.upstream in engines)
    return {each.name: fault for each in local if (fault := find_fault(each.model))}
