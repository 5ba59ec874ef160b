"""Readiness: whether this worker can answer calls, tried for real."""

from collections.abc import Iterable
from typing import Protocol

from setaria.domain.routing.ports import Upstream
from setaria.gateway.ports import Log

READY = 200
NOT_READY = 503


class CheckedStore(Protocol):
    """A store that can be tried."""

    async def check(self) -> str:
        """Try to write and read; tell what is wrong in a sentence, empty when nothing is."""
        ...


class Readiness:
    """Tries the store and every upstream."""

    def __init__(self, store: CheckedStore, upstreams: Iterable[Upstream], log: Log) -> None:
        self._store = store
        self._upstreams = tuple(upstreams)
        self._log = log

    async def report(self) -> tuple[int, bytes]:
        """Give a status and a body that says no more than it; what is wrong goes to the log."""
        faults = {"database": await self._store.check()}
        for upstream in self._upstreams:
            faults[upstream.name] = await upstream.check()
        failing = {part: fault for part, fault in faults.items() if fault}
        if failing:
            self._log.warning("not_ready", **failing)
            return NOT_READY, b'{"status":"unavailable"}'
        return READY, b'{"status":"ready"}'
