"""Usage: gives the tokens of a call the form that the protocol shows them in."""

import msgspec

from setaria.core.usage import Usage


class CompletionDetails(msgspec.Struct, frozen=True):
    """What a part of the output was spent on."""

    reasoning_tokens: int


class PromptDetails(msgspec.Struct, frozen=True):
    """Where a part of the input came from."""

    cached_tokens: int


class UsageShape(msgspec.Struct, frozen=True):
    """The `usage` object; cached tokens are inside `prompt_tokens`, reasoning tokens inside `completion_tokens`."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionDetails
    prompt_tokens_details: PromptDetails


def shape_usage(usage: Usage) -> UsageShape:
    """Give the `usage` object of a call."""
    return UsageShape(
        prompt_tokens=usage.all_input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        completion_tokens_details=CompletionDetails(usage.reasoning_tokens),
        prompt_tokens_details=PromptDetails(usage.cached_input_tokens),
    )
