"""Descriptors: how many files and connections the system lets a process have open, and how many callers that is."""

import resource

MOST = 1_048_576
SPARE = 100
"""Kept for the database, sockets of our own, libraries and the like."""


def raise_limit() -> None:
    """Let this process and its children have open as much as the system allows them, which is more than the default."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if most == resource.RLIM_INFINITY else min(most, MOST)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def fit_connections(wanted: int, descriptors: int) -> int:
    """Tell how many callers may be connected at once: each call takes a second connection, to its model server.

    Worked: 1,024 descriptors carry 462 callers; more would find the 503 of a full server, and not a dead line.
    """
    return max(1, min(wanted, (descriptors - SPARE) // 2))


def limit_of_descriptors() -> int:
    """Tell how much this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
