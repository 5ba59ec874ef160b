"""Script player: plays the scripts of the hot path within a transaction of the control plane."""

import re
from typing import TypeVar

from sqlalchemy import Connection, text

from setaria.adapters.store.script import POSTGRES, SQLITE, Dialect, Rows, Say, Script

T = TypeVar("T")

_PLACE = re.compile(r"\$([0-9]+)")


def dialect_of(connection: Connection) -> Dialect:
    """Give what the connection's engine says differently."""
    return SQLITE if connection.dialect.name == "sqlite" else POSTGRES


def play(connection: Connection, script: Script[T]) -> T:
    """Play a script; it is committed, or not, with the transaction."""
    try:
        said = next(script)
        while True:
            said = script.send(_answer(connection, said))
    except StopIteration as end:
        result: T = end.value
        return result


def _answer(connection: Connection, said: Say) -> Rows:
    values = {f"v{number}": value for number, value in enumerate(said.values, start=1)}
    found = connection.execute(text(_PLACE.sub(r":v\1", said.sql)), values)
    return [tuple(row) for row in found] if found.returns_rows else []
