"""Thinking: switches a model's thinking on or off, in the way that its server understands."""

from collections.abc import Mapping
from typing import assert_never

from setaria.wire.upstream_codec import ThinkingStyle

Switch = dict[str, object]

_OFF: Mapping[str, str] = {"type": "disabled"}
_MIN_BUDGET_TOKENS = 1024


def switch_thinking(style: ThinkingStyle, max_tokens: int, *, on: bool) -> Switch:
    """Give the request's fields that switch thinking on or off; none for a server that has no switch.

    Takes: max_tokens, what thinking and answer may take together; thinking gets half of it.
    """
    match style:
        case "anthropic":
            budget_tokens = clamp_budget(max_tokens // 2, max_tokens) if on else None
            enabled = {"type": "enabled", "budget_tokens": budget_tokens}
            return {"thinking": _OFF if budget_tokens is None else enabled}
        case "thinking_type":
            return {"thinking": {"type": "enabled"} if on else _OFF}
        case "chat_template_kwargs":
            return {"chat_template_kwargs": {"enable_thinking": on}}
        case "enable_thinking":
            return {"enable_thinking": on}
        case "reasoning_effort":
            return {"reasoning_effort": "medium" if on else "none"}
        case "none":
            return {}
        case _:
            assert_never(style)


def clamp_budget(budget_tokens: int, max_tokens: int) -> int | None:
    """Make a budget for thinking one that the server allows: at least 1024 and less than `max_tokens`.

    None where there is no room for that: a higher limit would spend more than the caller allowed.
    Example: 500 of 4000 become 1024; 32000 of 32000 become 31999; 500 of 1024 become None.
    """
    if max_tokens <= _MIN_BUDGET_TOKENS:
        return None
    return min(max(budget_tokens, _MIN_BUDGET_TOKENS), max_tokens - 1)


def is_thinking(switch: Switch) -> bool:
    """Tell whether a switch of style `anthropic` is on."""
    return switch["thinking"] != _OFF
