"""Script: a transaction as a generator of statements, so that both engines tell the same story in the same words.

A script yields one statement at a time and is sent its rows; what it returns is the transaction's result. Values stand
as `$1`, `$2` and so on, which both engines understand.
"""

from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

Rows = list[tuple[Any, ...]]  # what SQL gives has no types


class Say(NamedTuple):
    """One statement with its values."""

    sql: str
    values: tuple[object, ...] = ()


Script = Generator[Say, Rows, T]


class Dialect(NamedTuple):
    """What the engines say differently: the database's own clock in milliseconds, and how rows are locked.

    SQLite needs no locks on rows: whoever writes has the file for itself. Its clock is the machine's.
    """

    now_ms: str
    lock: str
    share: str


SQLITE = Dialect("CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", "", "")
POSTGRES = Dialect("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)", " FOR UPDATE", " FOR KEY SHARE")


def places(count: int, start: int = 1) -> str:
    """Write places for so many values. Example: `$1, $2, $3`."""
    return ", ".join(f"${number}" for number in range(start, start + count))
