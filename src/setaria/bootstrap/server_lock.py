"""Server lock: that one server at a time runs on a data folder, and whether none does.

A parent holds the lock, and its workers hold it with it: while it is free, no worker lives that may still spend.
"""

import fcntl
import os
from pathlib import Path

from setaria.core.clock import BlockingClock
from setaria.core.errors import Misconfigured

ORPHANS_S = 10.0
"""So long the workers of a parent that has died may take to end, before a new server is refused."""

_POLL_S = 0.05


def take_server_lock(data: Path, clock: BlockingClock) -> int:
    """Make sure that no other server runs on this data folder; gives the lock's descriptor, to be kept open.

    Raises: Misconfigured, at once where another server's parent lives, else when its workers do not end.
    """
    lock = _open(data)
    deadline_s = clock.monotonic_s() + ORPHANS_S
    while not _is_taken(lock):
        pid = os.pread(lock, 20, 0).decode(errors="replace").strip()
        if _is_alive(pid) or clock.monotonic_s() >= deadline_s:
            os.close(lock)
            raise Misconfigured(
                f"another server (process {pid}) runs on the data folder {data}; stop it, or give --data another folder"
            )
        clock.pause(_POLL_S)
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def try_server_lock(data: Path) -> int | None:
    """Take the lock for a moment, if no server runs; gives its descriptor, to be closed soon.

    A server that starts meanwhile waits for that.
    """
    lock = _open(data)
    if _is_taken(lock):
        return lock
    os.close(lock)
    return None


def _open(data: Path) -> int:
    file = data / "server.lock"
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"the file {file} can't be opened: {error.strerror}; remove it, or make it this user's own"
        ) from None


def _is_taken(lock: int) -> bool:
    """Take the lock, if it is free."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ValueError, ProcessLookupError, OverflowError):  # who takes it just now has not said who it is
        return False
    return True
