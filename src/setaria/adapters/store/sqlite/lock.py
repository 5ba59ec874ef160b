"""Lock: one writer at a time among all processes that use a SQLite file.

SQLite's own waiting sleeps and tries again, and so starves some writers; the kernel's queue for a file lock does not.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path


class FileLock:
    """The lock of a database file: `<file>.lock` beside it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.lock")

    @contextlib.contextmanager
    def held(self, patience_s: float) -> Iterator[None]:
        """Hold the lock within the `with` block; not reentrant.

        Raises: TimeoutError when others held it for patience_s; OSError when the lock file can't be opened.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _take(descriptor, patience_s)
            yield
        finally:
            os.close(descriptor)  # which frees the lock


def _take(descriptor: int, patience_s: float) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # The kernel's queue knows no time limit, so a thread waits in it. Left behind, it ends when its turn comes: the
        # descriptor is closed by then, and the lock goes with the kernel's last use of it.
        waiter = threading.Thread(target=fcntl.flock, args=(descriptor, fcntl.LOCK_EX), daemon=True)
        waiter.start()
        waiter.join(patience_s)
        if waiter.is_alive():
            raise TimeoutError(f"another process has been writing to the database for {patience_s:g} s") from None
