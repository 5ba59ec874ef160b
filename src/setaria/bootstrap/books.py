"""Books: what stands between a worker's calls and the database, and what keeps it going."""

from pathlib import Path
from typing import Protocol

from setaria.adapters.store.lease_book import Engine, LeaseTable
from setaria.adapters.store.spool import PERIOD_S as REPLAY_S
from setaria.adapters.store.spool import FileSpool
from setaria.core.clock import Clock
from setaria.domain.ledger.ports import Ledger
from setaria.entrypoints.jobs.runner import JobRunner
from setaria.gateway.clerk import RENEW_S
from setaria.gateway.desk import TICK_S, Desk
from setaria.gateway.ports import Log


class Store(Engine, Ledger, Protocol):
    """Plays scripts and writes calls."""


class Books:
    """A worker's desk and spool.

    Takes: data, the data folder; name, which no other process that lives has: whoever comes under it later knows that
    this one is dead.
    Order: `open` first, `close` last, while the store is open.
    """

    def __init__(self, store: Store, data: Path, name: str, clock: Clock, log: Log) -> None:
        self.desk = Desk(LeaseTable(store), name, clock, log)
        self.spool = FileSpool(data / "spool", name, store, log)

    async def open(self, jobs: JobRunner) -> None:
        """Put the worker on the books, and keep it there.

        Raises: Unavailable.
        """
        await self.desk.clerk.enter()
        jobs.every(RENEW_S, "renew_worker", self.desk.clerk.renew)
        jobs.every(TICK_S, "return_leases", self.desk.tick)
        jobs.every(REPLAY_S, "replay_spool", self.spool.replay)

    async def close(self) -> None:
        """Give back everything, and take the worker off the books."""
        await self.desk.clerk.leave()
        await self.spool.close()
