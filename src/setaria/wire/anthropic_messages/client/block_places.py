"""Block places: gives each block of a relayed stream the index that callers look for it under.

Callers put a message's blocks into a list, as they begin, and take an index for a place in it. Some servers give two
blocks the same one, begin at 1, or leave it out.
"""


class BlockPlaces:
    """Places the blocks of one answer; a server's index means the latest block that has it."""

    __slots__ = ("_count", "_places")

    def __init__(self) -> None:
        self._places: dict[int | None, int] = {}
        self._count = 0

    def begin(self, index: int | None) -> int:
        """Give the place of a block that begins under this index."""
        place = self._count
        self._count += 1
        self._places[index] = place
        return place

    def find(self, index: int | None) -> int | None:
        """Give the place of the block that goes on under this index; the index itself where none has begun so."""
        return self._places.get(index, index)
