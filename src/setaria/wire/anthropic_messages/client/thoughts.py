"""Thoughts: which thinking of earlier turns goes back to a server.

Some servers check the signature and refuse the whole request over one that they did not make. So thinking that another
model signed, or that we did for a model that does not sign, stays away from them.
"""

from setaria.core.dialogue import Opaque, Reasoning
from setaria.core.signatures import read_signer
from setaria.wire.upstream_codec import Manner

_HIDDEN = "redacted_thinking"

# Servers with these styles check the signature of thinking that comes back, or do not want it back.
_CHECKING_STYLES = frozenset({"anthropic", "none"})


def is_welcome(thought: Reasoning, manner: Manner) -> bool:
    """Tell whether a server takes thinking back: one that checks takes none that is unsigned or signed by us."""
    if manner.thinking_style not in _CHECKING_STYLES:
        return True
    return bool(thought.signature) and read_signer(thought.signature) not in manner.own_signers


def is_refused(thought: Reasoning, manner: Manner) -> bool:
    """Tell whether a server would refuse a request in the caller's own words for this thinking.

    An upstream without a switch for thinking may have sent it unsigned itself, so that the caller's word stands.
    """
    is_unsigned = not thought.signature and manner.thinking_style == "none"
    return not is_unsigned and not is_welcome(thought, manner)


def is_thought(block: object) -> bool:
    """Tell whether a block is thinking, seen or hidden."""
    return isinstance(block, Reasoning) or (isinstance(block, Opaque) and block.kind == _HIDDEN)
