"""Long reads: requests so long that reading one would keep all other calls waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

LONG_BYTES = 256 * 1024


class LongReads:
    """Reads long requests in a thread, one after another, so that a few of them can't stop everybody else."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="long-reads")

    async def read(self, body: bytes, reading: Callable[[bytes], T]) -> T:
        """Give what `reading` makes of a body of more than `LONG_BYTES`.

        Raises: what `reading` raises.
        Cost: a change of threads, 0.1 ms.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, reading, body)
