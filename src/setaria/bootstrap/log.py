"""Log: the log of one process, for whoever reads it."""

import sys

from setaria.adapters.telemetry.json_log import JsonLog
from setaria.core.clock import SystemClock
from setaria.gateway.ports import Log


def open_log(process: str) -> Log:
    """Open the log on standard error: for a person at a terminal, else as JSON."""
    if not sys.stderr.isatty():
        return JsonLog(process, sys.stderr.buffer, SystemClock())
    from setaria.adapters.telemetry.person_log import open_person_log

    return open_person_log(process)
