"""Said: what the model says, in terms of no protocol."""

from typing import NamedTuple

INPUT_TOKENS = 19
CACHED_TOKENS = 4
OUTPUT_TOKENS = 7
THOUGHT = ("Let me ", "think.")


class Said(NamedTuple):
    """An answer in pieces."""

    thought: tuple[str, ...]
    text: tuple[str, ...]
    calls: tuple[tuple[str, str, str], ...]
