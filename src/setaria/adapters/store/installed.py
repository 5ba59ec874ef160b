"""Installed: whether a SQLite file needs nothing before its server starts, told without loading SQLAlchemy."""

import contextlib
import sqlite3
from pathlib import Path

from setaria.adapters.store.revision import is_current

_QUESTION = "SELECT secret_fingerprint, EXISTS (SELECT 1 FROM keys), EXISTS (SELECT 1 FROM workers) FROM installation"


def is_installed(path: Path, fingerprint: str) -> bool:
    """Tell whether the file has this program's tables, belongs to the secret with this fingerprint, and has a key.

    Workers that are still on the books, as after a crash, are to be looked at too.
    Cost: 2 ms, where loading SQLAlchemy takes 0.3 s of a start.
    """
    if not is_current(path):
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            rows = connection.execute(_QUESTION).fetchall()
    except sqlite3.Error:
        return False
    return rows == [(fingerprint, 1, 0)]
