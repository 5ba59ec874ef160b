"""Shards: numbered portions of tokenized dialogues. A number always gives the same shard, and there is no last one."""

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from training.generate.draw import Draw
from training.generate.mix import make_first_sample, make_sample
from training.generate.sample import Sample
from training.render import Renderer, split_at_breaks
from training.tokenizer import letter_pieces

_DIALOGUES = 4_000
_FIRST_SHARDS = 4
_DEVELOPMENT_DIALOGUES = 120
LONGEST_TOKENS = 2_816


@dataclass(frozen=True, slots=True)
class Shard:
    """Dialogues one after another: `ids`, whether each token is learnt, and where each dialogue begins and ends."""

    ids: np.ndarray
    learnt: np.ndarray
    borders: np.ndarray


class ShardMaker:
    """Makes shards for one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._pieces = letter_pieces(tokenizer)
        self._renderer = Renderer()

    def training_shard(self, number: int) -> Shard:
        """Make the shard of this number, about a million tokens; the first ones hold much copying and choosing."""
        make = make_first_sample if number < _FIRST_SHARDS else make_sample
        return self._shard([make(Draw(f"training/{number}/{place}", self._pieces)) for place in range(_DIALOGUES)])

    def development_shard(self) -> Shard:
        """Make the dialogues by which a run is watched; none of them is trained on."""
        places = range(_DEVELOPMENT_DIALOGUES)
        return self._shard([make_sample(Draw(f"development/{place}", self._pieces)) for place in places])

    def development_prompts(self, count: int) -> list[tuple[list[int], list[int]]]:
        """Give prompts of the development dialogues, each with the answer that should follow."""
        prompts = []
        for place in range(count):
            ids, learnt = self._encode(make_sample(Draw(f"development/{place}", self._pieces)))
            start = learnt.index(True)
            end = next((at for at in range(start, len(ids)) if not learnt[at]), len(ids))
            prompts.append((ids[:start], ids[start:end]))
        return prompts

    def _shard(self, samples: list[Sample]) -> Shard:
        """Tokenize dialogues; the few that are too long to be trained on are left out."""
        ids: list[int] = []
        learnt: list[bool] = []
        borders = [0]
        for sample in samples:
            tokens, marks = self._encode(sample)
            if len(tokens) <= LONGEST_TOKENS:
                ids += tokens
                learnt += marks
                borders.append(len(ids))
        return Shard(np.array(ids, np.uint16), np.array(learnt, np.bool_), np.array(borders, np.int64))

    def _encode(self, sample: Sample) -> tuple[list[int], list[bool]]:
        texts: list[str] = []
        marks: list[bool] = []
        for part, is_learnt in self._renderer.render(sample):
            pieces = split_at_breaks(part)
            texts += pieces
            marks += [is_learnt] * len(pieces)
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [token for encoding in encodings for token in encoding.ids]
        learnt = [mark for mark, encoding in zip(marks, encodings, strict=True) for _ in encoding.ids]
        return ids, learnt
