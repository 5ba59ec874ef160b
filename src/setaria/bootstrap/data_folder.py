"""Data folder: where everything of an installation is kept, unless its database is elsewhere."""

from pathlib import Path

from setaria.core.errors import Misconfigured


def make_data_folder(folder: Path) -> None:
    """Make the data folder, closed to other users, unless it is there.

    Raises: Misconfigured when it can't be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the data folder {folder} can't be made: {error.strerror}; name another one with --data or SETARIA_DATA"
        ) from None
