"""Engine: runs the process that holds the local models."""

import sys

from setaria.adapters.upstreams.local.engine.process import run_engine
from setaria.bootstrap.catalog import SEEDLING, SEEDLING_FOLDER
from setaria.bootstrap.handover import Line


def main() -> int:
    """Run the engine until its parent is gone or it is told to end."""
    line = Line()
    line.say_ready()
    run_engine(line.doors[0], {SEEDLING: SEEDLING_FOLDER}, line.socket.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
