"""First key: the private file that holds the first key until a person has seen it."""

import os
from pathlib import Path

from setaria.config import Settings
from setaria.core.errors import Misconfigured

_NAME = "first-key"


def first_key_file(settings: Settings) -> Path:
    """Name the file."""
    return settings.data / _NAME


def keep_first_key(settings: Settings, first_key: str) -> None:
    """Put the first key into its file, so that it is not lost when the start fails.

    Raises: Misconfigured when it can't be written.
    """
    file = first_key_file(settings)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(first_key + "\n")
    except OSError as error:
        raise Misconfigured(
            f"the first API key can't be written to {file}: {error.strerror}; remove what is in its place"
        ) from None
