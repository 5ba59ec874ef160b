"""Given: a value as an operator gave it."""

import os
from pathlib import Path

import msgspec


class Given(msgspec.Struct, frozen=True):
    """A value as an operator gave it; a relative path in it starts at `folder`, of text numbers are read."""

    value: object
    source: str
    folder: Path
    is_text: bool = False


def absolute_path(given: Given) -> Path:
    """Read a path, from where it was written.

    Raises: msgspec.ValidationError when it is no text.
    """
    path = Path(msgspec.convert(given.value, str)).expanduser()
    return Path(os.path.normpath(given.folder / path))
