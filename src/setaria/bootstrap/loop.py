"""Loop: the fastest event loop that this machine has."""

import asyncio
import importlib.util
from collections.abc import Coroutine
from typing import Any

from setaria.gateway.defect import locate_defect
from setaria.gateway.ports import Log


def run_loop(main: Coroutine[object, object, int]) -> int:
    """Run a process's main coroutine to its end, on uvloop where there is one."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


def report_loop_faults(log: Log) -> None:
    """Send what goes wrong in callbacks to the log, where it was and not what it held."""

    def report(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # asyncio's own shape
        error = context.get("exception")
        where = locate_defect(error) if isinstance(error, BaseException) else "unknown"
        log.error("loop_fault", what=str(context.get("message", ""))[:200], error=where)

    asyncio.get_running_loop().set_exception_handler(report)
