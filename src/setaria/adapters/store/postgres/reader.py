"""Reader: asks PostgreSQL what may take long, on a connection of its own."""

from collections.abc import Sequence
from typing import Any

from setaria.adapters.store.postgres.line import Line


class PostgresReader:
    """Implements `Reader`; the connection is made with the first question.

    Takes: url, as `postgresql://user:password@host/name`.
    """

    def __init__(self, url: str) -> None:
        self._line = Line(url)

    async def ask(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:  # what SQL gives has no types
        """Ask one question.

        Raises: Unavailable, also when there is no answer in time.
        """
        async with self._line.use() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *values)]

    async def close(self) -> None:
        """Close the connection."""
        await self._line.close()
