"""Impossible usage: names the counts that a model server tells and no call can have taken.

What is charged instead is decided where the counts are read; this is for whoever looks into it.
"""

import re
from collections.abc import Mapping

import msgspec

from setaria.wire.half_characters import replace_lone_halves

MAX_TOKENS = 1_000_000_000
"""More in one call is a fault of the server's."""

_NAMES = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "thinking_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "cache_creation_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "prompt_cache_hit_tokens",
    }
)
_SUSPECT = re.compile(rb'tokens"\s*:\s*(?:-|\d{10}|\d[\d.]*[eE])')
_SHOWN_LENGTH = 24


class _Answer(msgspec.Struct, frozen=True):
    usage: object = None


_answer = msgspec.json.Decoder(_Answer)


def find_impossible(usage: object) -> str:
    """Name the counts of a usage object that are negative or beyond belief; empty when there are none.

    Example: prompt -5 and completion 7 give `prompt_tokens -5`.
    Cost: 0.5 us.
    """
    if not isinstance(usage, Mapping):
        return ""
    found: list[str] = []
    for name, value in usage.items():
        if type(value) is int and 0 <= value <= MAX_TOKENS:
            continue  # as nearly all are
        if isinstance(value, Mapping):
            found += [f"{inner} {_show(count)}" for inner, count in value.items() if _is_impossible(inner, count)]
        elif _is_impossible(name, value):
            found.append(f"{name} {_show(value)}")
    return ", ".join(found)


def find_impossible_in(body: bytes) -> str:
    """Do the same for the `usage` of a whole answer, which has been read before.

    Cost: hot path; 1 us, a search of the bytes. Only what looks impossible is read again.
    """
    at = body.find(b'"usage"')
    if at < 0 or _SUSPECT.search(body, at) is None:
        return ""
    return find_impossible(_answer.decode(replace_lone_halves(body)).usage)


def _is_impossible(name: object, value: object) -> bool:
    return name in _NAMES and isinstance(value, int | float) and not 0 <= value <= MAX_TOKENS


def _show(value: object) -> str:
    return str(value)[:_SHOWN_LENGTH]
