"""Process: what a worker takes of its machine."""

import os
from pathlib import Path

_PAGES = Path("/proc/self/statm")


def memory_bytes() -> int:
    """Tell how much memory this process holds; 0 on a system that does not say."""
    try:
        return int(_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def cpu_s() -> float:
    """Tell how much processor time this process has taken."""
    times = os.times()
    return times.user + times.system
