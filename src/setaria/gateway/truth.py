"""Truth: holds what a model server says that an answer took against what was seen of it."""

import msgspec

from setaria.core.usage import Usage
from setaria.gateway.stages import Reply

ODD_FACTOR = 10
LEAST_TOKENS = 100
"""Below this many tokens an estimate is too small to be held against anything."""


def check_usage(reply: Reply) -> tuple[Usage, str]:
    """Give the usage to be charged, and what is odd about what the server said; empty when nothing is.

    A count above ten times our own is cut to that. Hidden reasoning can't be seen, so output is odd only when it is
    also more than the call was allowed to say.
    Worked: estimate 40 tokens of prompt, the server says 900: fine, ten times 100 is the least that is odd. It says
    5,000: charged 1,000, and kept for somebody to look at. So is a call of which it said -5 or a million million: it is
    charged what is left of the counts, or our own, and what was said is told.
    """
    usage, asked, doubt = reply.usage, reply.routed.asked, reply.doubt
    most_input = ODD_FACTOR * max(asked.input_tokens, LEAST_TOKENS)
    most_output = ODD_FACTOR * max(reply.said_tokens, LEAST_TOKENS)
    odd = [doubt] if doubt else []
    if usage.input_tokens + usage.cached_input_tokens + usage.cache_write_tokens > most_input:
        odd.append(f"input {usage.all_input_tokens}, estimated {asked.input_tokens}")
        usage = _cut_input(usage, most_input)
    if usage.output_tokens > max(most_output, asked.dialogue.max_output_tokens):
        odd.append(f"output {usage.output_tokens}, seen {reply.said_tokens}")
        output_tokens = max(most_output, asked.dialogue.max_output_tokens)
        reasoning_tokens = min(usage.reasoning_tokens, output_tokens)
        usage = msgspec.structs.replace(usage, output_tokens=output_tokens, reasoning_tokens=reasoning_tokens)
    return usage, _oddity(odd) if odd else ""


def _oddity(odd: list[str]) -> str:
    return "odd usage: " + "; ".join(odd)


def _cut_input(usage: Usage, most: int) -> Usage:
    """Cut the input to so many tokens, the dearest class last."""
    cached = min(usage.cached_input_tokens, most)
    written = min(usage.cache_write_tokens, most - cached)
    rest = most - cached - written
    return msgspec.structs.replace(usage, input_tokens=rest, cached_input_tokens=cached, cache_write_tokens=written)
