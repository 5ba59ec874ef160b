"""Sampling: which token comes next."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.core.dialogue import Sampling
from setaria.core.ids import new_seed

_GREEDY_BELOW = 1e-3
_SEED_RANGE = 2**64


class Sampler:
    """Draws the tokens of one call, with random numbers of its own: one seed gives one answer, whatever runs beside."""

    def __init__(self, sampling: Sampling) -> None:
        seed = new_seed() if sampling.seed is None else sampling.seed
        self._sampling = sampling
        self._generator = np.random.default_rng(seed % _SEED_RANGE)
        self._drawn: Counter[int] = Counter()
        self._biased_ids = np.array([token for token, _ in sampling.logit_bias], dtype=np.int64)
        self._biases = np.array([bias for _, bias in sampling.logit_bias], dtype=np.float32)

    def draw(self, logits: Logits) -> int:
        """Draw the next token, the likeliest at temperature 0; biases of tokens that there are not do nothing.

        Takes: logits of one row, which are changed.
        """
        self._penalise(logits)
        if len(self._biased_ids):
            known = self._biased_ids < len(logits)
            np.add.at(logits, self._biased_ids[known], self._biases[known])
        is_greedy = self._sampling.temperature < _GREEDY_BELOW
        token = int(logits.argmax()) if is_greedy else self._draw_by_chance(logits)
        self._drawn[token] += 1
        return token

    def _penalise(self, logits: Logits) -> None:
        """Lower what was drawn before, by the presence penalty once and by the frequency penalty for each time."""
        sampling = self._sampling
        if self._drawn and (sampling.frequency_penalty or sampling.presence_penalty):
            tokens = np.fromiter(self._drawn.keys(), np.int64, len(self._drawn))
            counts = np.fromiter(self._drawn.values(), np.float32, len(self._drawn))
            logits[tokens] -= counts * np.float32(sampling.frequency_penalty) + np.float32(sampling.presence_penalty)

    def _draw_by_chance(self, logits: Logits) -> int:
        weights = np.exp((logits - logits.max()) / np.float32(self._sampling.temperature))
        tokens = _nucleus(weights, self._sampling.top_p)
        sums = weights[tokens].cumsum(dtype=np.float64)
        place = int(sums.searchsorted(self._generator.random() * sums[-1], side="right"))
        return int(tokens[min(place, len(tokens) - 1)])


def _nucleus(weights: Logits, top_p: float) -> npt.NDArray[np.int64]:
    """Give the fewest tokens, likeliest first, whose weights together reach the share `top_p` of all.

    Tokens with a share under (1 - top_p) / vocabulary need no sorting: all of them together stay under 1 - top_p, so
    the others reach top_p without them.
    """
    total = float(weights.sum(dtype=np.float64))
    least = total * (1 - top_p) / len(weights)
    candidates = np.flatnonzero(weights > least)
    if top_p >= 1:
        return candidates
    ordered = candidates[(-weights[candidates]).argsort(kind="stable")]
    count = int(weights[ordered].cumsum(dtype=np.float64).searchsorted(total * top_p)) + 1
    return ordered[:count]
