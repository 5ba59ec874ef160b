"""Output: what becomes of standard output when nothing can be written to it any more."""

import os
import sys


def give_up_output() -> None:
    """Drop what could not be written to standard output, so that the end of the process does not try it again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
