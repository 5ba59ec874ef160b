"""Server lock: that one server at a time runs on a data folder."""

import fcntl
import os
from pathlib import Path

from setaria.core.errors import Misconfigured


def take_server_lock(data: Path) -> int:
    """Make sure that no other server runs on this data folder; gives the lock's descriptor, to be kept open."""
    file = data / "server.lock"
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"the file {file} can't be opened: {error.strerror}; remove it, or make it this user's own"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(lock, 20).decode(errors="replace").strip()
        raise Misconfigured(
            f"another server (process {pid}) runs on the data folder {data}; stop it, or give --data another folder"
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock
