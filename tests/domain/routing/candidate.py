"""Candidate: what routing chooses among, in tests."""

from typing import NamedTuple


class Candidate(NamedTuple):
    """Implements the Protocol of the same name."""

    name: str
    weight: int
