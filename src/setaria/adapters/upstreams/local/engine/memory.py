"""Memory: what the process holds, and what it does with memory that it has freed.

Only the GNU C library can be told what to do with that; others are left alone.
"""

import ctypes
import os
import sys
from pathlib import Path

_PAGES = Path("/proc/self/statm")
_ARENAS = -8  # M_ARENA_MAX of malloc.h


def share_one_heap() -> None:
    """Let all threads share one heap, so that what one has freed serves the others.

    Order: before there are threads.
    """
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_ARENAS, 1)


def give_back() -> None:
    """Give freed memory back to the machine.

    Cost: some milliseconds.
    """
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)


def resident_bytes() -> int:
    """Tell how much memory this process holds; 0 on a system that does not say."""
    try:
        return int(_PAGES.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def cpu_s() -> float:
    """Tell how much processor time this process has taken."""
    times = os.times()
    return times.user + times.system
