"""Prefixes: prompts that were read and are kept, so that the next turn of a conversation reads only what is new.

What is kept of a call is its prompt, not its answer: the network computes a token that it decodes alone a little
differently from one that it reads among others, and an answer must not depend on what is kept. Those that were used
last are kept; one that is the beginning of another is not kept twice.
"""

from collections import OrderedDict

from setaria.adapters.upstreams.local.engine.slots import Slots
from setaria.adapters.upstreams.local.engine.vocabulary import TokenIds

_LEAST_TOKENS = 16  # below, copying is not worth its while


class Prefixes:
    """The kept prompts, in the rows that the slots have for them. `tokens` counts all that is kept."""

    def __init__(self, slots: Slots) -> None:
        self.tokens = 0
        self._slots = slots
        self._free = list(range(slots.rows, slots.rows + slots.kept_rows))
        self._kept: OrderedDict[int, TokenIds] = OrderedDict()  # by row, the one used last at the end

    def find(self, ids: TokenIds) -> tuple[int, int]:
        """Find the kept row that begins as this prompt does; gives it and how many tokens they share, perhaps 0."""
        best_row, best = 0, 0
        for row, kept in self._kept.items():
            shared = shared_tokens(kept, ids)
            if shared > best:
                best_row, best = row, shared
        if best:
            self._kept.move_to_end(best_row)
        return best_row, best

    def keep(self, row: int, ids: TokenIds) -> None:
        """Keep the tokens that the row begins with, in the place of what was not used for longest."""
        row_before, shared = self.find(ids)
        if shared == len(ids) or len(ids) < _LEAST_TOKENS or not self._slots.kept_rows:
            return
        if shared and shared == len(self._kept[row_before]):
            self._drop(row_before)
        if not self._free:
            self.drop_oldest()
        target = self._free.pop()
        self._slots.copy(row, target, len(ids))
        self._kept[target] = ids
        self.tokens += len(ids)

    def drop_oldest(self) -> None:
        """Forget what was not used for longest.

        Order: only while something is kept, which is while `tokens` is above 0.
        """
        self._drop(next(iter(self._kept)))

    def _drop(self, row: int) -> None:
        self.tokens -= len(self._kept.pop(row))
        self._slots.release(row)
        self._free.append(row)


def shared_tokens(first: TokenIds, second: TokenIds) -> int:
    """Tell how many tokens two prompts have in common at their beginning."""
    size = min(len(first), len(second))
    differ = first[:size] != second[:size]
    return int(differ.argmax()) if differ.any() else size
