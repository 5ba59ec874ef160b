"""Outbox: what is to be sent goes out together when a turn of the event loop is over.

A send costs most where it wakes a process that sleeps: of several at once only the first does. And the kernel's work
and ours, done in turns, push each other out of the processor's caches.
"""

import asyncio
from typing import Protocol


class Way(Protocol):
    """Where something is sent."""

    def send(self, data: bytes) -> None:
        """Write bytes; nothing happens when the way is gone."""
        ...


class Outbox:
    """Keeps what is to be sent until the turn is over.

    Order: things go out as they were put in; what is sent past the outbox meanwhile overtakes them.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Way, bytes]] = []

    def put(self, way: Way, data: bytes) -> None:
        """Have something sent soon."""
        waiting = self._waiting
        waiting.append((way, data))
        if len(waiting) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send all of it now."""
        waiting, self._waiting = self._waiting, []
        for way, data in waiting:
            try:
                way.send(data)
            except RuntimeError:  # so a transport says that it is closed: what others are to get is not lost for it
                continue
