"""Which deployment gets a call."""

import random
from collections import Counter

import pytest

from setaria.domain.routing.choice import choose
from tests.domain.routing.candidate import Candidate

THREE = (Candidate("a", 1), Candidate("b", 1), Candidate("c", 2))


def session(number: int) -> bytes:
    """Make a session's fingerprint."""
    return number.to_bytes(16, "big")


def zero() -> float:
    """Draw nothing at random."""
    return 0.5


def test_a_session_stays_where_it_is() -> None:
    """The same session gets the same deployment, whatever is drawn and in whatever order they are listed."""
    for number in range(50):
        first = choose(THREE, session(number), zero)
        assert choose(tuple(reversed(THREE)), session(number), random.random) == first


def test_only_the_sessions_of_a_deployment_that_goes_move() -> None:
    """All other sessions stay."""
    for number in range(200):
        before = choose(THREE, session(number), zero)
        after = choose((THREE[0], THREE[2]), session(number), zero)
        assert after == before or before.name == "b"


def test_weights_share_out_sessions_and_random_calls() -> None:
    """Twice the weight gets twice the calls, with a session and without."""
    seeded = random.Random(1)
    by_session = Counter(choose(THREE, session(number), zero).name for number in range(8000))
    at_random = Counter(choose(THREE, None, seeded.random).name for _ in range(8000))
    for counted in (by_session, at_random):
        assert counted["c"] == pytest.approx(4000, rel=0.1)
        assert counted["a"] == pytest.approx(2000, rel=0.1)


def test_weight_zero_is_the_last_resort() -> None:
    """A deployment of weight 0 gets calls only when no other is left."""
    pair = (Candidate("spare", 0), Candidate("main", 1))
    assert {choose(pair, session(number), zero) for number in range(100)} == {pair[1]}
    assert choose(pair[:1], session(1), zero) == pair[0]
