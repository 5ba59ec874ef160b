"""Pace: how many threads serve a run best while other programs use the same cores.

Threads wait for each other after every product, so two are slower than one on a busy machine. From time to time the
other number is tried for a few steps, and the quicker one is kept.
"""

import time

import torch

_TRIED_EVERY = 24
_TRIED_FOR = 2


class Pace:
    """Chooses between one thread and `most` threads by the tokens that each did per second."""

    def __init__(self, most: int) -> None:
        self._numbers = sorted({1, most})
        self._best = most
        self._steps = 0
        self._speeds: dict[int, float] = {}
        self._threads = most
        self._began_at = time.monotonic()
        torch.set_num_threads(most)

    def count(self, tokens: int) -> None:
        """Count a step and set the threads of the next one."""
        now = time.monotonic()
        speed = tokens / max(now - self._began_at, 1e-9)
        known = self._speeds.get(self._threads, speed)
        self._speeds[self._threads] = (known + speed) / 2
        self._began_at = now
        self._steps += 1
        self._threads = self._next()
        torch.set_num_threads(self._threads)

    def _next(self) -> int:
        place = self._steps % _TRIED_EVERY
        if place == _TRIED_FOR:
            self._best = max(self._numbers, key=lambda number: self._speeds.get(number, 0.0))
        return self._best if place >= _TRIED_FOR else self._other()

    def _other(self) -> int:
        """Give the number that is not in use; with one number there is no other."""
        return next((number for number in self._numbers if number != self._best), self._best)
