"""Thread: a fault server in a thread of its own, for those who have no event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future

from tests.fault_server.server import FaultServer, serve_faults

START_S = 10


@contextlib.contextmanager
def fault_server() -> Iterator[FaultServer]:
    """Run a fault server in a thread of its own."""
    started: Future[tuple[FaultServer, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        async with serve_faults() as server:
            stopped = asyncio.Event()
            started.set_result((server, asyncio.get_running_loop(), stopped))
            await stopped.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    server, loop, stopped = started.result(START_S)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
