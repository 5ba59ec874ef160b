"""Chore: a process that the parent starts again and again, and that ends when its work is done.

It is a process of its own because it loads what a parent or worker never needs, and gives the memory back.
"""

import asyncio
import contextlib
import signal
from typing import Protocol

from setaria.entrypoints.parent.child import Child, ChildSpec, start_child

FIRST_PAUSE_S = 60.0
PERIOD_S = 3600.0


class Log(Protocol):
    """Where a chore's failures are told."""

    def warning(self, event: str, **fields: object) -> None:
        """Log something that someone should look at."""
        ...


class Chore:
    """One piece of work for a process, first soon after the start and then once an hour until `stop`."""

    def __init__(
        self, spec: ChildSpec, log: Log, first_pause_s: float = FIRST_PAUSE_S, period_s: float = PERIOD_S
    ) -> None:
        self._spec = spec
        self._log = log
        self._pause_s = first_pause_s
        self._period_s = period_s
        self._child: Child | None = None
        self._stopped = asyncio.Event()

    async def keep(self) -> None:
        """Do it at its times until `stop`."""
        while not await self._is_stopped_within(self._pause_s):
            await self._do()
            self._pause_s = self._period_s

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask the process to end, and start it no more."""
        self._stopped.set()
        if self._child is not None:
            self._child.signal(number)

    async def _is_stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        return self._stopped.is_set()

    async def _do(self) -> None:
        try:
            self._child = await start_child(self._spec)
        except OSError as error:
            self._log.warning("process_not_started", post=self._spec.name, reason=error.strerror)
            return
        if self._stopped.is_set():
            self._child.signal(signal.SIGTERM)
        code = await self._child.wait()
        self._child = None
        if code and not self._stopped.is_set():
            self._log.warning("chore_failed", chore=self._spec.name, code=code)
