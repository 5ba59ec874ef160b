"""Address: where the database is, as a URL that was already resolved from the settings."""

from pathlib import Path

_SQLITE = "sqlite:///"


def is_sqlite(url: str) -> bool:
    """Tell whether the database is a SQLite file; else it is PostgreSQL."""
    return url.startswith(_SQLITE)


def sqlite_path(url: str) -> Path:
    """Give the file that a SQLite URL names.

    Takes: url, such as `sqlite:////home/ann/.local/share/setaria/setaria.db`; all after the third slash is the path,
    letter by letter.
    Raises: ValueError when the URL names no absolute path.
    """
    path = Path(url.removeprefix(_SQLITE))
    if not is_sqlite(url) or not path.is_absolute():
        raise ValueError(f"{url.partition(':')[0]}: is not the URL of a SQLite file; it must start with sqlite:////")
    return path


def url_from_sqlite_path(path: Path) -> str:
    """Give the URL of a SQLite file."""
    return f"{_SQLITE}{path.absolute()}"
