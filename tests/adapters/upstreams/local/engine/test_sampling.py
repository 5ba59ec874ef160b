"""Drawing tokens."""

from collections import Counter
from collections.abc import Collection

import numpy as np
import pytest

from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.adapters.upstreams.local.engine.sampling import Sampler
from setaria.core.dialogue import Sampling

CHANCES = (0.5, 0.3, 0.15, 0.05)


def logits(hidden: Collection[int] = ()) -> Logits:
    """Give the logits of CHANCES, some of them hidden by a mask."""
    chances = np.log(np.array(CHANCES, dtype=np.float32))
    chances[list(hidden)] = -np.inf
    return chances


def drawn(sampling: Sampling, hidden: Collection[int] = (), times: int = 2_000) -> Counter[int]:
    """Draw again and again from the same logits."""
    sampler = Sampler(sampling)
    return Counter(sampler.draw(logits(hidden)) for _ in range(times))


@pytest.mark.parametrize(
    "temperature,top_p,hidden,expected",
    [
        (0.0, 1.0, set(), {0}),
        (0.0, 1.0, {0}, {1}),
        (1.0, 1.0, set(), {0, 1, 2, 3}),
        (1.0, 0.8, set(), {0, 1}),
        (1.0, 0.81, set(), {0, 1, 2}),
        (1.0, 0.4, set(), {0}),
        (1.0, 0.01, set(), {0}),
        (1.0, 0.6, {0}, {1}),
        (1.0, 1.0, {0, 1}, {2, 3}),
        (2.0, 1.0, {3}, {0, 1, 2}),
    ],
)
def test_what_may_be_drawn(temperature: float, top_p: float, hidden: set[int], expected: set[int]) -> None:
    """Only the fewest likeliest tokens that reach top_p are drawn, a hidden one never."""
    # 0.8 is what the first two reach exactly, but for rounding: ask for a little less.
    assert set(drawn(Sampling(temperature, top_p - 1e-6 if top_p < 1 else 1.0, seed=5), hidden)) == expected


def test_tokens_are_drawn_by_their_chances() -> None:
    """At temperature 1 each token comes as often as its chance says."""
    counts = drawn(Sampling(1.0, 1.0, seed=11), times=20_000)
    assert [abs(counts[token] / 20_000 - chance) < 0.02 for token, chance in enumerate(CHANCES)] == [True] * 4


def test_penalties_turn_to_other_tokens() -> None:
    """A presence penalty counts once and a frequency penalty for each time a token was drawn."""
    presence = Sampler(Sampling(0.0, 1.0, presence_penalty=1.0))
    frequency = Sampler(Sampling(0.0, 1.0, frequency_penalty=0.3))
    assert [presence.draw(logits()) for _ in range(4)] == [0, 1, 0, 0]
    assert [frequency.draw(logits()) for _ in range(5)] == [0, 0, 1, 0, 1]


def test_a_seed_of_any_size_is_taken() -> None:
    """Negative and huge seeds give reproducible draws."""
    for seed in (-1, 2**70):
        assert drawn(Sampling(1.0, 1.0, seed=seed)) == drawn(Sampling(1.0, 1.0, seed=seed))


def test_without_a_seed_answers_differ() -> None:
    """A call that gives no seed gets one of its own."""
    first, second = (Sampler(Sampling(1.0, 1.0)) for _ in range(2))
    assert [first.draw(logits()) for _ in range(200)] != [second.draw(logits()) for _ in range(200)]


@pytest.mark.parametrize(
    "logit_bias,hidden,expected",
    [
        (((0, -100.0),), set(), {1}),
        (((3, 100.0),), set(), {3}),
        (((3, 100.0), (2, 99.0), (9_999, 100.0)), {3}, {2}),
        (((3, 1.0), (3, 1.0), (3, 1.0)), set(), {3}),
    ],
)
def test_biases_add_to_the_scores(
    logit_bias: tuple[tuple[int, float], ...], hidden: set[int], expected: set[int]
) -> None:
    """A bias of 100 forces a token and one of -100 forbids it; what the form forbids stays forbidden."""
    assert set(drawn(Sampling(0.0, 1.0, logit_bias=logit_bias), hidden, times=3)) == expected
