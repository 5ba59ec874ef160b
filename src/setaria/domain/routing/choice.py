"""Choice: which of a model's deployments gets a call.

Rendezvous hashing: every deployment draws a number from the session and its own name; the highest, weighed, wins. A
session stays where it is while its deployment is well, and when one goes only its own sessions move.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Sequence

import msgspec

_DRAW_BYTES = 8
_DRAWS = 1 << (8 * _DRAW_BYTES)


class Candidate(msgspec.Struct, frozen=True):
    """A deployment that could serve; `name` tells it from all others."""

    name: str
    weight: int


def choose(
    candidates: Sequence[Candidate], session: bytes | None, draw: Callable[[], float], without: Collection[str] = ()
) -> Candidate | None:
    """Choose among the candidates that are not in `without`; None when none is left.

    Takes: session, the conversation's fingerprint, None to choose at random by weight; draw, gives a number in [0, 1).
    """
    left = [candidate for candidate in candidates if candidate.name not in without]
    if len(left) < 2:  # noqa: PLR2004 - nothing to choose
        return left[0] if left else None
    if session is None:
        return max(left, key=lambda candidate: _weigh(draw(), candidate.weight))
    return max(left, key=lambda candidate: _weigh(_draw_from(session, candidate.name), candidate.weight))


def _weigh(number: float, weight: int) -> float:
    """Turn a number in [0, 1) into a score whose maximum falls on each candidate in proportion to its weight."""
    return -weight / math.log(max(number, 1e-300)) if weight > 0 else 0.0


def _draw_from(session: bytes, name: str) -> float:
    digest = hashlib.blake2b(session + name.encode(), digest_size=_DRAW_BYTES).digest()
    return int.from_bytes(digest, "big") / _DRAWS
