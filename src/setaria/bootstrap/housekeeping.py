"""Housekeeping: builds and runs the process that does, once an hour, what keeps a database in order."""

import sys

from setaria.bootstrap.handover import Line
from setaria.bootstrap.installation import open_installation
from setaria.bootstrap.log import open_log
from setaria.bootstrap.missing_database import miss_no_database
from setaria.config import Settings
from setaria.core.clock import Clock, SystemClock
from setaria.core.errors import SetariaError
from setaria.management.retention import prune_calls


def main() -> int:
    """Do all of it once; gives the exit code."""
    line = Line()
    line.say_ready()
    settings, log = line.handover.read_settings(), open_log("housekeeping")
    try:
        dropped = prune_database(settings, settings.database.retention_days, SystemClock())
    except SetariaError as error:
        log.error("housekeeping_failed", reason=error.message)
        return 1
    if dropped:
        log.info("calls_dropped", calls=dropped, kept_days=settings.database.retention_days)
    return 0


def prune_database(settings: Settings, keep_days: int, clock: Clock) -> int:
    """Drop the calls of more than so many days ago, 0 for none; gives how many were dropped.

    Raises: InvalidRequest when the days are too few; whatever `open_installation` raises.
    """
    miss_no_database(settings)
    with open_installation(settings, clock) as (store, _):
        return prune_calls(store.begin, clock, keep_days)


if __name__ == "__main__":
    sys.exit(main())
