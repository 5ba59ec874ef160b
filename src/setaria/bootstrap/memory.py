"""Memory: how a process that answers calls lets Python look for circles of objects."""

import gc

YOUNG_OBJECTS = 10_000
"""A call makes some fifty objects that Python's collector knows and leaves no circle behind: looking for circles each
700 objects, as Python does by itself, costs 3 % of a busy worker's time."""

OLDER = (4, 10)
"""The circles that are there come from calls that failed. What outlived one look is looked at again after four more, so
that no more than some megabytes wait."""


def settle_memory() -> None:
    """Set aside what lives as long as the process, and look for circles among the rest less often.

    Order: when all that stays has been built.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *OLDER)
