"""Folders: where the sockets of a running server are."""

import hashlib
import os
import stat
from pathlib import Path

from setaria.config.settings import ConfigError, Settings

_SOCKET_FOLDER_BYTES = 90  # a socket's whole path may have 103 bytes on the strictest system


def runtime_folder(settings: Settings) -> Path:
    """Give the folder for Unix sockets, made private if it is new; one data folder has always the same.

    It is `DATA/run`, or where that path is too long for a socket, a folder with a short path among the temporary ones.
    Raises: ConfigError when the folder can't be made, belongs to somebody else or is open to others.
    """
    folder = settings.data / "run"
    if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES:
        mark = hashlib.sha256(os.fsencode(settings.data.resolve())).hexdigest()[:16]
        folder = Path(os.environ.get("TMPDIR") or "/tmp") / f"setaria-{mark}"  # noqa: S108 - checked below
        if len(os.fsencode(folder)) > _SOCKET_FOLDER_BYTES:
            raise ConfigError(f"{folder} is too long a path for sockets; set TMPDIR to a short one")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {folder} can't be made: {error.strerror}; remove what is in its place") from None
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ConfigError(f"{folder} must be a folder of the user who starts Setaria, closed to others; remove it")
    return folder
