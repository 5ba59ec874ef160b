"""Held out: which values belong to the evaluation and may never be trained on.

The generator and the evaluation are written apart, so neither knows the other's values; this rule keeps them disjoint.
"""

import zlib

_SHARE = 8
_ALWAYS = frozenset({"hebei"})  # the example of the platform's documentation


def is_held_out(value: str) -> bool:
    """Tell whether a value belongs to the evaluation: one in eight does, whatever its case and outer spaces."""
    text = value.strip().lower()
    return text in _ALWAYS or zlib.crc32(text.encode()) % _SHARE == 0
