"""Defect: says where a defect struck without telling what was in the variables, for that may be prompt text."""

import traceback


def locate_defect(error: BaseException) -> str:
    """Give the error's class and its innermost places in the code, such as `KeyError at forward.py:81 in receive`."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = ", ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}" for frame in reversed(frames)
    )
    return f"{type(error).__name__} at {places}"
