"""Runner: does a job again and again until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable

from setaria.core.clock import Clock
from setaria.gateway.defect import locate_defect
from setaria.gateway.ports import Log


class JobRunner:
    """Runs jobs beside the calls; a job that fails is logged and done again at its next turn."""

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, period_s: float, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """Do a job now and then every `period_s` seconds."""
        task = asyncio.create_task(self._repeat(period_s, name, job))  # noqa: TID251 - this is the place for it
        self._tasks.append(task)

    async def stop(self) -> None:
        """Do no job any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, period_s: float, name: str, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await job()
            except Exception as error:  # jobs runner: one failure must not end the job for good
                self._log.error("job_failed", job=name, error=locate_defect(error))
            await self._clock.sleep(period_s)
