"""Waiting: lets the event loop turn until something is so."""

import asyncio
import time
from collections.abc import Callable

LIMIT_S = 5.0


async def until(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Turn the loop until the condition holds; fail when it does not within the limit."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "what the test waits for does not come"
        await asyncio.sleep(0)


async def turns(count: int = 20) -> None:
    """Turn the loop a few times, so that everything happens that is due."""
    for _ in range(count):
        await asyncio.sleep(0)
