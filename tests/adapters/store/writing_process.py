"""Writing process: records calls, 16 at a time, and prints each id once it is durable.

Run as `python writing_process.py URL CALLS`; it ends by itself after so many calls.
"""

import asyncio
import os
import sys

from tests.adapters.store.samples import make_call, opened


async def main(url: str, calls: int) -> None:
    """Record so many calls."""
    async with opened(url) as store:

        async def record(part: int) -> None:
            for _ in range(part):
                call = make_call()
                await store.record(call)
                os.write(1, f"{call.id}\n".encode())  # one write, so that no line is cut by a kill

        await asyncio.gather(*[record(calls // 16) for _ in range(16)])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
