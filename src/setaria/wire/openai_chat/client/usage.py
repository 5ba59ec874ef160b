"""Usage: reads the counts that a model server tells, and mends those that can't be true.

Servers tell negative counts, nulls, floats, more cached than prompt tokens, reasoning outside the completion, sums that
are none; or zeros, as if nothing had been asked or said. What is left after mending is what the caller sees and what
the books hold.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from setaria.core.events import UsageReport
from setaria.core.usage import Usage
from setaria.wire.impossible_usage import MAX_TOKENS
from setaria.wire.openai_chat.usage import shape_usage

_PROMPT_DETAILS, _COMPLETION_DETAILS = "prompt_tokens_details", "completion_tokens_details"
_NOTHING: Mapping[str, object] = {}
_object = msgspec.json.Decoder(object)


_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


class _PromptDetails(msgspec.Struct, frozen=True, gc=False):
    cached_tokens: _Count = 0
    cache_write_tokens: UnsetType = UNSET
    cache_creation_tokens: UnsetType = UNSET


class _CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    reasoning_tokens: _Count = 0


class _PlainUsage(msgspec.Struct, frozen=True, gc=False):
    """A `usage` object as OpenAI and vLLM tell it; any name that others use for the same makes it none."""

    prompt_tokens: _Count
    completion_tokens: _Count
    total_tokens: _Count
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: UnsetType = UNSET
    cached_tokens: UnsetType = UNSET
    cache_creation_input_tokens: UnsetType = UNSET
    reasoning_tokens: UnsetType = UNSET


_plain = msgspec.json.Decoder(_PlainUsage)


class ToldUsage(msgspec.Struct, frozen=True):
    """A `usage` object as it was told: its tokens, None when they can't be known, and whether it needs rewriting."""

    usage: Usage | None
    is_odd: bool


def read_usage(raw: msgspec.Raw) -> ToldUsage | None:
    """Read a `usage` value; None when it is absent or null."""
    if len(raw) == 0 or bytes(raw) == b"null":
        return None
    plain = _read_plain(raw)
    if plain is not None:
        return ToldUsage(plain, is_odd=False)
    fields = _read_object(_object.decode(raw))
    usage = corrected(fields)
    return ToldUsage(usage, usage is None or not _is_told(fields, usage))


def _read_plain(raw: msgspec.Raw) -> Usage | None:
    """Read a `usage` object of the form that most servers tell, whose counts agree; None for any other."""
    try:
        told = _plain.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    prompt, completion = told.prompt_tokens_details, told.completion_tokens_details
    cached_tokens = 0 if prompt is None else prompt.cached_tokens
    reasoning_tokens = 0 if completion is None else completion.reasoning_tokens
    if (
        told.prompt_tokens == 0
        or told.total_tokens != told.prompt_tokens + told.completion_tokens
        or cached_tokens > told.prompt_tokens
        or reasoning_tokens > told.completion_tokens
    ):
        return None
    return Usage(told.prompt_tokens - cached_tokens, cached_tokens, 0, told.completion_tokens, reasoning_tokens)


def rewrite_usage(usage: Usage) -> msgspec.Raw:
    """Write the `usage` value that stands for an odd one, or for none."""
    return msgspec.Raw(msgspec.json.encode(shape_usage(usage)))


def complete_usage(usage: Usage, said_tokens: int) -> Usage:
    """Give a usage whose output is our own estimate where a server counts none of what it said."""
    if usage.output_tokens or not said_tokens:
        return usage
    return msgspec.structs.replace(usage, output_tokens=said_tokens)


def report_usage(usage: Usage, said_tokens: int) -> UsageReport:
    """Report the usage that a server told, completed."""
    complete = complete_usage(usage, said_tokens)
    return UsageReport(complete, "upstream" if complete is usage else "estimate")


def corrected(fields: Mapping[str, object]) -> Usage | None:
    """Give the tokens in disjoint classes, as far as they can be true; None when prompt or completion is unknown.

    A count that is missing follows from the total where that is told; so does a prompt of 0, for no prompt is empty.
    Reasoning that the total shows to stand beside the completion is added to it; else it is a part of it, as the cached
    tokens are of the prompt.
    Example: prompt 100, cached 120, completion 7, reasoning 9, total 107 is 100 cached, 7 output, 7 reasoning.
    Example: prompt 100, completion 7, reasoning 9, total 116 is 100 uncached, 16 output, 9 reasoning.
    """
    prompt_tokens = _count(fields, "prompt_tokens") or None
    completion_tokens = _count(fields, "completion_tokens")
    total_tokens = _count(fields, "total_tokens")
    if prompt_tokens is None and completion_tokens is not None:
        prompt_tokens = _rest(total_tokens, completion_tokens) or None
    elif completion_tokens is None and prompt_tokens is not None:
        completion_tokens = _rest(total_tokens, prompt_tokens)
    if prompt_tokens is None or completion_tokens is None:
        return None
    reasoning_tokens = _reasoning_tokens(fields)
    if reasoning_tokens and total_tokens == prompt_tokens + completion_tokens + reasoning_tokens:
        completion_tokens += reasoning_tokens
    cached_tokens = min(_cached_tokens(fields), prompt_tokens)
    written_tokens = min(_written_tokens(fields), prompt_tokens - cached_tokens)
    return Usage(
        input_tokens=prompt_tokens - cached_tokens - written_tokens,
        cached_input_tokens=cached_tokens,
        cache_write_tokens=written_tokens,
        output_tokens=completion_tokens,
        reasoning_tokens=min(reasoning_tokens, completion_tokens),
    )


def _rest(total_tokens: int | None, part_tokens: int) -> int | None:
    return None if total_tokens is None or total_tokens < part_tokens else total_tokens - part_tokens


def _cached_tokens(fields: Mapping[str, object]) -> int:
    """Find the cached tokens: where OpenAI tells them, else DeepSeek's name, else Moonshot's."""
    details = _read_object(fields.get(_PROMPT_DETAILS))
    return _first(
        _count(details, "cached_tokens"), _count(fields, "prompt_cache_hit_tokens"), _count(fields, "cached_tokens")
    )


def _written_tokens(fields: Mapping[str, object]) -> int:
    """Find the tokens written to a cache, which OpenRouter and LiteLLM tell of."""
    details = _read_object(fields.get(_PROMPT_DETAILS))
    return _first(
        _count(details, "cache_write_tokens"),
        _count(details, "cache_creation_tokens"),
        _count(fields, "cache_creation_input_tokens"),
    )


def _reasoning_tokens(fields: Mapping[str, object]) -> int:
    """Find the reasoning tokens: where OpenAI tells them, else SGLang's place."""
    details = _read_object(fields.get(_COMPLETION_DETAILS))
    return _first(_count(details, "reasoning_tokens"), _count(fields, "reasoning_tokens"))


def _first(*counts: int | None) -> int:
    return next((count for count in counts if count is not None), 0)


def _count(fields: Mapping[str, object], name: str) -> int | None:
    """Read a count; None for what is none: negative, beyond belief, no number. A float loses its fraction."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TOKENS:
        return None
    return int(value)


def _read_object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else _NOTHING


def _is_told(fields: Mapping[str, object], usage: Usage) -> bool:
    """Tell whether a client that reads the fields as they are sees the same tokens."""
    sums = (usage.all_input_tokens, usage.output_tokens, usage.total_tokens)
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    if not all(_is_exact(fields.get(name), tokens) for name, tokens in zip(names, sums, strict=True)):
        return False
    cached = _read_object(fields.get(_PROMPT_DETAILS)).get("cached_tokens")
    reasoning = _read_object(fields.get(_COMPLETION_DETAILS)).get("reasoning_tokens")
    return (cached is None or _is_exact(cached, usage.cached_input_tokens)) and (
        reasoning is None or _is_exact(reasoning, usage.reasoning_tokens)
    )


def _is_exact(value: object, tokens: int) -> bool:
    return type(value) is int and value == tokens
