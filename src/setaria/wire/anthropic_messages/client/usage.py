"""Usage: reads the tokens that a model server tells, in pieces and sometimes wrongly.

The protocol tells them twice: `message_start` with the input and a placeholder for the output, `message_delta` with
what it has come to so far. Of `input_tokens` the cached ones are no part.
"""

from collections.abc import Mapping, Sequence

import msgspec

from setaria.core.usage import CountsFrom, Usage
from setaria.wire.impossible_usage import MAX_TOKENS

INPUT = "input_tokens"
OUTPUT = "output_tokens"

_CACHE_READ = "cache_read_input_tokens"
_CACHE_WRITE = "cache_creation_input_tokens"
_COUNTS = (INPUT, OUTPUT, _CACHE_READ, _CACHE_WRITE)


class ToldUsage(msgspec.Struct, frozen=True):
    """What the server has told so far; None is not told."""

    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


def merge_usage(earlier: ToldUsage, fields: object) -> ToldUsage:
    """Add a usage object to what was told before; the last legal count of each field holds.

    What is no count (absent, null, negative, no integer) tells nothing. Nor do input counts that are all 0: no prompt
    is empty, so the server had nothing to say there.
    Example: input 25, then input 0 and output 9: input 25, output 9. Input 17, then input 5 and cache read 12: 5 and
    12.
    """
    if not isinstance(fields, Mapping):
        return earlier
    told = [_read_count(fields.get(name)) for name in (INPUT, _CACHE_READ, _CACHE_WRITE)]
    if not any(told):
        told = [None, None, None]
    details = fields.get("output_tokens_details")
    thinking = _read_count(details.get("thinking_tokens")) if isinstance(details, Mapping) else None
    return ToldUsage(
        input_tokens=_last(earlier.input_tokens, told[0]),
        cached_input_tokens=_last(earlier.cached_input_tokens, told[1]),
        cache_write_tokens=_last(earlier.cache_write_tokens, told[2]),
        output_tokens=_last(earlier.output_tokens, _read_count(fields.get(OUTPUT))),
        reasoning_tokens=_last(earlier.reasoning_tokens, thinking),
    )


def merge_first_usage(fields: object) -> ToldUsage:
    """Read the usage of `message_start`, whose output count is a placeholder."""
    told = merge_usage(ToldUsage(), fields)
    return msgspec.structs.replace(told, output_tokens=None, reasoning_tokens=None)


def usage_from_told(told: ToldUsage, said_tokens: int) -> Usage | None:
    """Make the usage of what was told; None when neither the input was nor that there is output.

    Takes: said_tokens, our own estimate of the output, for a server that has told none, or none of what it said.
    Gives: a usage without input where that was not told.
    """
    inputs = (told.input_tokens, told.cached_input_tokens, told.cache_write_tokens)
    if not told.output_tokens and all(count is None for count in inputs):
        return None
    output_tokens = told.output_tokens or said_tokens
    return Usage(
        input_tokens=told.input_tokens or 0,
        cached_input_tokens=told.cached_input_tokens or 0,
        cache_write_tokens=told.cache_write_tokens or 0,
        output_tokens=output_tokens,
        reasoning_tokens=min(told.reasoning_tokens or 0, output_tokens),
    )


def with_input(usage: Usage | None, input_tokens: int) -> Usage | None:
    """Give a usage with so many tokens of input where it has none: no prompt is empty."""
    if usage is None or usage.all_input_tokens:
        return usage
    return msgspec.structs.replace(usage, input_tokens=input_tokens)


def with_output(usage: Usage, output_tokens: int) -> Usage:
    """Give a usage with so many tokens of output where it has none."""
    return usage if usage.output_tokens else msgspec.structs.replace(usage, output_tokens=output_tokens)


def name_source(told: ToldUsage, said_tokens: int) -> CountsFrom:
    """Say where the output's count comes from."""
    return "upstream" if told.output_tokens or not said_tokens else "estimate"


def correct_usage(fields: object, required: Sequence[str], truth: Usage) -> dict[str, object] | None:
    """Give a usage object with the truth in place of what is odd in it; None when nothing is.

    Odd are a count that is none or no integer, a 0 that is not true, and a required count that is absent. Others may be
    absent or null.
    """
    given = dict(fields) if isinstance(fields, Mapping) else {}
    true_counts = {
        INPUT: truth.input_tokens,
        OUTPUT: truth.output_tokens,
        _CACHE_READ: truth.cached_input_tokens,
        _CACHE_WRITE: truth.cache_write_tokens,
    }
    odd = [name for name in _COUNTS if _is_odd(given.get(name), true_counts[name], required=name in required)]
    return given | {name: true_counts[name] for name in odd} if odd else None


def _is_odd(value: object, truth: int, *, required: bool) -> bool:
    if value is None:
        return required
    return not _is_integer_count(value) or (value == 0 and truth > 0)


def _read_count(value: object) -> int | None:
    """Read a number of tokens, which may be written as 7.0; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TOKENS:
        return None
    return int(value) if value == int(value) else None


def _is_integer_count(value: object) -> bool:
    return type(value) is int and _read_count(value) is not None


def _last(earlier: int | None, later: int | None) -> int | None:
    return earlier if later is None else later
