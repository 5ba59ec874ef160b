"""Line: one connection to PostgreSQL, made when first used and made anew after it was lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

import asyncpg

from setaria.adapters.store.failures import PATIENCE_S, RowRefused, database_away
from setaria.adapters.store.script import Script

T = TypeVar("T")

_ROW_AT_FAULT = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    OverflowError,
    ValueError,  # asyncpg's own error for a value that it can't encode is one
)
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@contextlib.contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn every error of asyncpg and of the network into RowRefused or Unavailable."""
    try:
        yield
    except _ROW_AT_FAULT as error:
        raise RowRefused(type(error).__name__) from error
    except _AWAY as error:
        raise database_away() from error


async def play(connection: asyncpg.Connection, script: Script[T]) -> T:
    """Play a script within a transaction."""
    try:
        said = next(script)
        while True:
            said = script.send([tuple(row) for row in await connection.fetch(said.sql, *said.values)])
    except StopIteration as end:
        result: T = end.value
        return result


class Line:
    """A connection that one question at a time may use.

    Takes: url, as `postgresql://user:password@host/name`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[asyncpg.Connection]:
        """Give the connection, for `PATIENCE_S` at most with all waiting included.

        Raises: Unavailable, RowRefused.
        """
        with mapped_errors():
            async with asyncio.timeout(PATIENCE_S), self._turn:
                try:
                    yield await self._connect()
                except (*_AWAY, asyncio.CancelledError):
                    # What was under way may still be; the next question must not wait for it.
                    self._drop()
                    raise

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*_AWAY):
                await connection.close(timeout=PATIENCE_S)

    async def _connect(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            try:
                self._connection = await asyncpg.connect(self._url, server_settings={"application_name": "setaria"})
            except ValueError as error:
                raise database_away() from error
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
