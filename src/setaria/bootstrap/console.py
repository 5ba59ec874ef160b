"""Console: runs the process that serves pages to people."""

import asyncio
import signal
import sys

import uvicorn

from setaria.bootstrap.catalog import build_catalog
from setaria.bootstrap.handover import Line
from setaria.bootstrap.loop import run_loop
from setaria.entrypoints.console.app import build_app


def main() -> int:
    """Run the console until its parent is gone or it is told to end."""
    return run_loop(_serve(Line()))


async def _serve(line: Line) -> int:
    app = build_app(build_catalog(line.handover.read_settings()), line.handover.base_url)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)

    def end() -> None:
        server.should_exit = True

    line.watch(end)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    line.say_ready()
    await server.serve(sockets=line.doors)
    return 0


if __name__ == "__main__":
    sys.exit(main())
