"""Missing database: tells a database that was lost from one that was never made."""

from pathlib import Path

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.config import Settings, resolve_database_url
from setaria.core.errors import Misconfigured


def miss_no_database(settings: Settings) -> None:
    """Make sure that a data folder which has a secret of its own still has its database.

    Raises: Misconfigured: accounts, keys and calls of before are never silently begun anew.
    """
    url, secret_file = resolve_database_url(settings), settings.server.secret_file
    if not is_sqlite(url) or has_content(sqlite_path(url)):
        return
    if secret_file.is_file() and secret_file.is_relative_to(settings.data):
        raise Misconfigured(
            f"the database {sqlite_path(url)} is missing, but {secret_file} was made with one; restore the database "
            f"from a backup, or, to begin anew without the old accounts, keys and calls, move {secret_file} away"
        )


def has_content(file: Path) -> bool:
    """Tell whether the file is there and was ever written to."""
    return file.exists() and file.stat().st_size > 0
