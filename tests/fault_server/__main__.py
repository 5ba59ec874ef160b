"""Runs the fault server as a program: `python -m tests.fault_server --port N`.

`GET /faults/counts` tells what it has counted.
"""

import argparse
import asyncio

from tests.fault_server.server import serve_faults


async def _serve(port: int) -> None:
    async with serve_faults(port) as server:
        print(server.url, flush=True)  # noqa: T201 - how the starter learns the port
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted model server that goes wrong as it is told to.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    asyncio.run(_serve(parser.parse_args().port))
