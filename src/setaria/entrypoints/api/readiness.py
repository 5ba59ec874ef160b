"""Readiness: whether this worker can answer calls, tried for real."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from setaria.core.clock import Clock
from setaria.domain.routing.ports import Upstream
from setaria.gateway.ports import Log

READY = 200
NOT_READY = 503
REMEMBERED_S = 1.0


class CheckedStore(Protocol):
    """A store that can be tried."""

    async def check(self) -> str:
        """Try to write and read; tell what is wrong in a sentence, empty when nothing is."""
        ...


class Readiness:
    """Tries the store, and the built-in engine where `needs_engine` says that calls depend on it."""

    def __init__(
        self, store: CheckedStore, engine: Upstream, needs_engine: Callable[[], bool], clock: Clock, log: Log
    ) -> None:
        self._database = _Trial(store.check, clock)
        self._engine_name = engine.name
        self._engine = _Trial(engine.check, clock)
        self._needs_engine = needs_engine
        self._log = log

    async def report_health(self) -> tuple[int, bytes]:
        """Tell whether this worker can use its database, as a status and a body that says no more than it."""
        return self._tell("unhealthy", {"database": await self._database.find()}, b'{"status":"ok"}')

    async def report(self) -> tuple[int, bytes]:
        """Tell whether calls can be answered, as a status and a body that says no more than it."""
        faults = {"database": await self._database.find()}
        if self._needs_engine():
            faults[self._engine_name] = await self._engine.find()
        return self._tell("not_ready", faults, b'{"status":"ready"}')

    def _tell(self, event: str, faults: dict[str, str], good: bytes) -> tuple[int, bytes]:
        """Choose the answer; what is wrong goes to the log."""
        failing = {part: fault for part, fault in faults.items() if fault}
        if failing:
            self._log.warning(event, **failing)
            return NOT_READY, b'{"status":"unavailable"}'
        return READY, good


class _Trial:
    """Tries one part for all who ask at once, and believes what it found for a moment, for anybody may ask."""

    def __init__(self, check: Callable[[], Awaitable[str]], clock: Clock) -> None:
        self._check = check
        self._clock = clock
        self._turn = asyncio.Lock()
        self._until_s = 0.0
        self._found = ""

    async def find(self) -> str:
        """Tell what is wrong in a sentence, empty when nothing is."""
        async with self._turn:
            if self._clock.monotonic_s() >= self._until_s:
                self._found = await self._check()
                self._until_s = self._clock.monotonic_s() + REMEMBERED_S
            return self._found
