"""Sampling: which token comes next."""

from collections import Counter
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.core.dialogue import Sampling
from setaria.core.ids import new_seed

_GREEDY_BELOW = 1e-3
_SEED_RANGE = 2**64


class Sampler:
    """Draws the tokens of one call, with random numbers of its own: one seed gives one answer, whatever runs beside."""

    def __init__(self, sampling: Sampling, banned_ids: Collection[int]) -> None:
        seed = new_seed() if sampling.seed is None else sampling.seed
        self._sampling = sampling
        self._banned_ids = np.array(sorted(banned_ids), dtype=np.int64)
        self._generator = np.random.default_rng(seed % _SEED_RANGE)
        self._drawn: Counter[int] = Counter()

    def draw(self, logits: Logits) -> int:
        """Draw the next token; a banned one never, and the likeliest at temperature 0.

        Takes: logits of one row, which are changed.
        """
        self._penalise(logits)
        logits[self._banned_ids] = -np.inf
        is_greedy = self._sampling.temperature < _GREEDY_BELOW
        token = int(logits.argmax()) if is_greedy else self._draw_by_chance(logits)
        self._drawn[token] += 1
        return token

    def _penalise(self, logits: Logits) -> None:
        """Lower what was drawn before, by the presence penalty once and by the frequency penalty for each time."""
        sampling = self._sampling
        if self._drawn and (sampling.frequency_penalty or sampling.presence_penalty):
            counts = np.array(list(self._drawn.values()), dtype=np.float32)
            logits[list(self._drawn)] -= counts * sampling.frequency_penalty + sampling.presence_penalty

    def _draw_by_chance(self, logits: Logits) -> int:
        scores = logits.astype(np.float64)
        chances = np.exp((scores - scores.max()) / self._sampling.temperature)
        chances /= chances.sum()
        tokens = _nucleus(chances, self._sampling.top_p)
        sums = chances[tokens].cumsum()
        place = int(np.searchsorted(sums, self._generator.random() * sums[-1], side="right"))
        return int(tokens[min(place, len(tokens) - 1)])


def _nucleus(chances: npt.NDArray[np.float64], top_p: float) -> npt.NDArray[np.int64]:
    """Give the fewest tokens, likeliest first, whose chances reach `top_p` together.

    Tokens under (1 - top_p) / vocabulary need no sorting: all of them together stay under 1 - top_p, so the others
    reach top_p without them.
    """
    candidates = np.flatnonzero(chances > (1 - top_p) / len(chances)) if top_p < 1 else np.flatnonzero(chances)
    if top_p >= 1:
        return candidates
    ordered = candidates[np.argsort(-chances[candidates], kind="stable")]
    count = int(np.searchsorted(chances[ordered].cumsum(), top_p)) + 1
    return ordered[:count]
