"""Tally: what all visitors have seen."""

from collections import Counter


class Tally:
    """Counts and keeps what is checked at the end.

    `heard` is the status of each call whose id was told. `unheard` counts whole requests whose client left before it
    was told an id. `flaws` are what must not be.
    """

    def __init__(self) -> None:
        self.visits: Counter[str] = Counter()
        self.heard: dict[str, int] = {}
        self.unheard = 0
        self.flaws: list[str] = []
        self.slowest: tuple[float, str] = (0.0, "")

    def hear(self, call_id: str, status: int) -> None:
        """Take note of an answer's head."""
        if call_id in self.heard:
            self.flaws.append(f"{call_id} was told twice")
        self.heard[call_id] = status

    def find(self, visit: str, flaw: str) -> None:
        """Take note of what must not be."""
        self.flaws.append(f"{visit}: {flaw}")

    @property
    def calls(self) -> int:
        """How many requests were whole."""
        return len(self.heard) + self.unheard
