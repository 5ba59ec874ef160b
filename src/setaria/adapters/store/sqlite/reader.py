"""Reader: asks a SQLite file what may take long, on a thread and a connection of its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from setaria.adapters.store.failures import PATIENCE_S, database_away
from setaria.adapters.store.sqlite.connection import Connection
from setaria.adapters.store.sqlite.lane import Lane
from setaria.core.clock import SystemClock

_STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's own machine; a look takes less than they do


class SqliteReader:
    """Implements `Reader`; thread and connection begin with the first question."""

    def __init__(self, path: Path) -> None:
        self._connection = Connection(path)
        self._lane = Lane("store-reports")
        self._clock = SystemClock()

    async def ask(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:  # what SQL gives has no types
        """Ask one question; it is given up after `PATIENCE_S`, so that the next ones have their turn.

        Raises: Unavailable.
        """
        named = {str(number): value for number, value in enumerate(values, start=1)}
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._lane.run(lambda: self._read(sql, named))
        except TimeoutError as error:
            raise database_away() from error

    async def close(self) -> None:
        """Close the file."""
        closed = self._lane.run(self._connection.close)
        self._lane.end()
        await asyncio.wait([closed], timeout=PATIENCE_S)

    def _read(self, sql: str, values: dict[str, object]) -> list[tuple[Any, ...]]:  # as above
        deadline_s = self._clock.monotonic_s() + PATIENCE_S
        with self._connection.use() as connection:
            connection.set_progress_handler(lambda: self._clock.monotonic_s() > deadline_s, _STEPS_BETWEEN_LOOKS)
            return connection.execute(sql, values).fetchall()
