"""Retention: drops calls that are older than they are to be kept; their sums stay, and the books stay provable."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from setaria.core.clock import Clock
from setaria.core.errors import InvalidRequest
from setaria.core.retention import LEAST_DAYS
from setaria.domain.ledger.ports import RetentionBook

_SLICE_CALLS = 500
_DAY_MS = 86_400_000

Begin = Callable[[], AbstractContextManager[RetentionBook]]


def prune_calls(begin: Begin, clock: Clock, keep_days: int) -> int:
    """Drop the calls of more than so many days ago, and the windows of plans that were theirs; 0 keeps all.

    Gives how many calls were dropped.

    It works in short transactions, so that those who write calls wait for some 50 ms at most; broken off at any place
    it goes on the next time.
    Takes: begin, which opens a transaction.
    Raises: InvalidRequest when calls would be dropped that are younger than 35 days.
    """
    if keep_days and keep_days < LEAST_DAYS:
        raise InvalidRequest(f"calls are kept for at least {LEAST_DAYS} days; {keep_days} is too few", param="days")
    now_ms = clock.now_ms()
    with begin() as book:
        book.make_partitions(now_ms)
    if not keep_days:
        return 0
    before_ms = now_ms - keep_days * _DAY_MS
    dropped = 0
    while True:
        with begin() as book:
            count = book.drop_partition(before_ms, now_ms) or book.drop_calls(before_ms, _SLICE_CALLS, now_ms)
        if not count:
            break
        dropped += count
    while True:
        with begin() as book:
            if not book.drop_windows(before_ms, _SLICE_CALLS):
                return dropped
