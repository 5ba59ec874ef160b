"""Choice: which of a model's deployments gets a call.

Rendezvous hashing: every deployment draws a number from the session and its own name; the highest, weighed, wins. A
session stays where it is while its deployment is well, and when one goes only its own sessions move.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

_DRAW_BYTES = 8
_DRAWS = 1 << (8 * _DRAW_BYTES)


class Candidate(Protocol):
    """A deployment that could serve."""

    @property
    def name(self) -> str:
        """What tells it from all others."""
        ...

    @property
    def weight(self) -> int:
        """How much it gets against the others."""
        ...


C = TypeVar("C", bound=Candidate)


def choose(candidates: Sequence[C], session: bytes | None, draw: Callable[[], float]) -> C:
    """Choose among the candidates, of which there is one at least.

    Takes: session, the conversation's fingerprint, None to choose at random by weight; draw, gives a number in [0, 1).
    """
    if len(candidates) == 1:
        return candidates[0]
    if session is None:
        return max(candidates, key=lambda candidate: _weigh(draw(), candidate.weight))
    return max(candidates, key=lambda candidate: _weigh(_draw_from(session, candidate.name), candidate.weight))


def _weigh(number: float, weight: int) -> float:
    """Turn a number in [0, 1) into a score whose maximum falls on each candidate in proportion to its weight."""
    return -weight / math.log(max(number, 1e-300)) if weight > 0 else 0.0


def _draw_from(session: bytes, name: str) -> float:
    digest = hashlib.blake2b(session + name.encode(), digest_size=_DRAW_BYTES).digest()
    return int.from_bytes(digest, "big") / _DRAWS
