"""Batches: dialogues of like length side by side, with weights and positions; chance follows the shard's number."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from training.shards import Shard

BATCH_TOKENS = 4_096
_WINDOW = 2_048
_READ_WEIGHT = 0.1
_SHARE_READ = 0.25
"""Of what is only read, a quarter is learnt from, and weighs little: it is chance, and would drown the choices."""

_FIRST_TOKENS = 8
_FIRST_WEIGHT = 3.0
"""An answer's first tokens decide it: whether a tool is called and which, or what is told."""

_SHARE_JUMPING = 0.25
_LONGEST_JUMP = 3_500
_FAR_JUMP = 7_000
_SHARE_FAR = 0.15
_CONTEXT = 8_192
_MESSAGE_START = 1
"""The id of `<|im_start|>`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens, the weight of each token's loss, and each token's position."""

    ids: torch.Tensor
    weights: torch.Tensor
    positions: torch.Tensor


def plan_batches(shard: Shard, seed: int, together: int = 1) -> list[np.ndarray]:
    """Group the dialogues of a shard: each group is one batch of about `BATCH_TOKENS` padded tokens.

    So many groups are trained on together, and follow each other: their lengths are alike, so that nobody waits. What
    is left of a window is left out.
    """
    chance = np.random.default_rng([seed, 0])
    lengths = np.diff(shard.borders)
    order = chance.permutation(len(lengths))
    groups: list[np.ndarray] = []
    for start in range(0, len(order), _WINDOW):
        window = order[start : start + _WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        found = list(_groups(window, lengths))
        for place in chance.permutation(len(found) // together) * together:
            groups += found[place : place + together]
    return groups


def make_batch(shard: Shard, group: np.ndarray, seed: tuple[int, int]) -> Batch:
    """Make one batch; a quarter of its rows jump ahead in position where a message begins.

    That teaches distances longer than any dialogue of the training has.
    """
    chance = np.random.default_rng([*seed, 1])
    width = padded(max(int(shard.borders[place + 1] - shard.borders[place]) for place in group)) + 1
    ids = np.zeros((len(group), width), np.int64)
    weights = np.zeros((len(group), width), np.float32)
    positions = np.tile(np.arange(width), (len(group), 1))
    for row, place in enumerate(group):
        span = slice(int(shard.borders[place]), int(shard.borders[place + 1]))
        tokens = shard.ids[span]
        ids[row, : len(tokens)] = tokens
        read = np.where(chance.random(len(tokens)) < _SHARE_READ, _READ_WEIGHT, 0.0)
        learnt = shard.learnt[span]
        weights[row, : len(tokens)] = np.where(learnt, 1.0, read)
        for start in np.flatnonzero(learnt & ~np.concatenate(([False], learnt[:-1]))):
            first = slice(start, min(start + _FIRST_TOKENS, len(tokens)))
            weights[row, first] = np.where(learnt[first], _FIRST_WEIGHT, weights[row, first])
        if chance.random() < _SHARE_JUMPING:
            _jump(chance, tokens, positions[row])
    return Batch(torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(positions))


def padded(length: int) -> int:
    """Round a length up to one of few sizes, or the memory of the process grows with each new one."""
    step = 32 if length <= 512 else 128 if length <= 1024 else 256
    return -(-length // step) * step


def _groups(window: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
    group: list[int] = []
    for place in window:
        width = padded(int(lengths[place]))
        if group and width * (len(group) + 1) > BATCH_TOKENS:
            yield np.array(group)
            group = []
        group.append(int(place))
    yield np.array(group)


def _jump(chance: np.random.Generator, tokens: np.ndarray, positions: np.ndarray) -> None:
    starts = np.flatnonzero(tokens == _MESSAGE_START)[1:]
    if len(starts):
        longest = _FAR_JUMP if chance.random() < _SHARE_FAR else _LONGEST_JUMP
        positions[chance.choice(starts) :] += int(chance.integers(1, min(longest, _CONTEXT - len(positions))))
