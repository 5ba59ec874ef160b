"""Lease book: implements the port LeaseBook by scripts, on either engine."""

from typing import Protocol, TypeVar

from setaria.adapters.store import worker_scripts
from setaria.adapters.store.failures import RowRefused
from setaria.adapters.store.recall_rows import read_recalls, recalls_from_rows
from setaria.adapters.store.script import Dialect, Rows, Say, Script
from setaria.adapters.store.trade_script import trade_leases
from setaria.core.errors import InternalError
from setaria.core.ids import AccountId
from setaria.domain.ledger.leases import Gone, Pulse, Trade, Traded

T = TypeVar("T")


class Engine(Protocol):
    """Plays scripts."""

    dialect: Dialect

    async def play(self, script: Script[T]) -> T:
        """Play a script as one transaction.

        Raises: Unavailable, RowRefused.
        """
        ...

    async def ask(self, question: Say) -> Rows:
        """Ask one question, whatever is being written meanwhile.

        Raises: Unavailable.
        """
        ...


class LeaseTable:
    """Implements the port LeaseBook."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def enter(self, worker_id: str, node: str) -> Pulse:
        """Put a worker on the books, and give up whatever worker was there under the same node."""
        return await self._engine.play(worker_scripts.enter(self._engine.dialect, worker_id, node))

    async def renew(self, worker_id: str) -> Pulse | Gone:
        """Say that a worker lives."""
        return await self._engine.play(worker_scripts.renew(self._engine.dialect, worker_id))

    async def trade(self, worker_id: str, trade: Trade) -> Traded | Gone:
        """Return leases and ask for others; the same number again only gives the same answer."""
        try:
            return await self._engine.play(trade_leases(self._engine.dialect, worker_id, trade))
        except RowRefused as error:
            raise InternalError(f"the books refused a trade: {error}") from error

    async def read_hungry(self, worker_id: str) -> frozenset[str]:
        """Tell the allowances of which other workers need something that is leased."""
        rows = await self._engine.ask(Say(worker_scripts.READ_HUNGRY, (worker_id,)))
        return frozenset(row[0] for row in rows)

    async def sweep(self, unseen_s: int) -> int:
        """Give up the workers that were not seen for so long; gives how many."""
        return await self._engine.play(worker_scripts.sweep(self._engine.dialect, unseen_s * 1000))

    async def leave(self, worker_id: str) -> None:
        """Give up a worker that ends by itself."""
        await self._engine.play(worker_scripts.leave(self._engine.dialect, worker_id))

    async def read_recalls(self) -> frozenset[AccountId]:
        """Tell the accounts whose leases are called home."""
        return recalls_from_rows(await self._engine.ask(read_recalls(self._engine.dialect)))
