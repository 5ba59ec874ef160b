"""Slots: the memory of the network, one row for each call that runs, and some for prompts that are kept.

Each layer has one array of keys and one of values, [rows, heads, capacity, head size]. A row is *loading* while its
prompt is read and *ready* once it decodes. Rows that decode together must be one contiguous block, so ready rows are
0 to `ready` - 1 and loading rows follow without a gap; whoever leaves has his place taken by the last row of his kind.
Behind them come the rows where others may keep what was read; they never move.

Rows have the full capacity from the start, but as address space only: the machine gives memory page by page when a row
is written, and it is handed back when the row is left.
"""

import mmap
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from setaria.adapters.upstreams.local.engine.network import Block, CacheArray, CacheShape


@dataclass(slots=True, eq=False)
class Slot:
    """One call's row and how many tokens are in it."""

    row: int
    length: int = 0


class Slots:
    """All rows of one model: `rows` for calls, and then `kept_rows`. `ready` counts the calls that decode."""

    def __init__(self, shape: CacheShape, rows: int, capacity: int, kept_rows: int = 0) -> None:
        self.rows = rows
        self.kept_rows = kept_rows
        self.ready = 0
        self._open: list[Slot] = []
        self._blocks: dict[tuple[int, int], Block] = {}
        element_bytes = np.dtype(shape.element).itemsize
        self.token_bytes = 2 * shape.layers * shape.heads * shape.head_size * element_bytes
        self._row_bytes = shape.heads * capacity * shape.head_size * element_bytes
        self._maps = [_reserve((rows + kept_rows) * self._row_bytes) for _ in range(2 * shape.layers)]
        dimensions = (rows + kept_rows, shape.heads, capacity, shape.head_size)
        self._arrays: list[CacheArray] = [
            np.frombuffer(memory, shape.element).reshape(dimensions) for memory in self._maps
        ]

    @property
    def free(self) -> int:
        """Tell how many more rows can be opened."""
        return self.rows - len(self._open)

    def open(self) -> Slot:
        """Take a row for a prompt to be loaded.

        Order: only while `free` is above 0.
        """
        slot = Slot(len(self._open))
        self._open.append(slot)
        return slot

    def promote(self, slot: Slot) -> None:
        """Let a loaded row decode with the others; it changes places with the first loading one."""
        other = self._open[self.ready]
        if other is not slot:
            for array in self._arrays:
                kept = array[other.row, :, : other.length].copy()
                array[other.row, :, : slot.length] = array[slot.row, :, : slot.length]
                array[slot.row, :, : other.length] = kept
            self._place(other, slot.row)
            self._place(slot, self.ready)
        self.ready += 1

    def close(self, slot: Slot) -> None:
        """Give a row back; the last ready and the last loading row close the gap."""
        hole = slot.row
        if hole < self.ready:
            self.ready -= 1
            hole = self._fill(hole, self.ready)
        last = self._fill(hole, len(self._open) - 1)
        self._open.pop()
        self.release(last)

    def copy(self, source: int, target: int, length: int) -> None:
        """Copy the first tokens of one row to another."""
        for array in self._arrays:
            array[target, :, :length] = array[source, :, :length]

    def block(self, first: int, count: int) -> Block:
        """Give some neighbouring rows as the network takes them; the same ones are always the same block."""
        block = self._blocks.get((first, count))
        if block is None:
            views = [array[first : first + count] for array in self._arrays]
            block = self._blocks[first, count] = Block(list(zip(views[::2], views[1::2], strict=True)))
        return block

    def mask(self, first: int, count: int, new_tokens: int) -> npt.NDArray[np.int64]:
        """Give the attention mask of neighbouring rows that are to read `new_tokens` more."""
        lengths = np.array([slot.length + new_tokens for slot in self._open[first : first + count]])
        return (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)

    def release(self, row: int) -> None:
        """Hand a row's memory back to the machine, whole pages only."""
        start = -(-row * self._row_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        size = (row + 1) * self._row_bytes - start
        if size >= mmap.PAGESIZE:
            for memory in self._maps:
                memory.madvise(mmap.MADV_DONTNEED, start, size // mmap.PAGESIZE * mmap.PAGESIZE)

    def _fill(self, hole: int, source: int) -> int:
        """Move the row at `source` into the hole, and give the hole that this leaves."""
        if hole != source:
            moved = self._open[source]
            self.release(hole)
            self.copy(source, hole, moved.length)
            self._place(moved, hole)
        return source

    def _place(self, slot: Slot, row: int) -> None:
        self._open[row] = slot
        slot.row = row


def _reserve(size_bytes: int) -> mmap.mmap:
    """Reserve address space; in small pages, for a huge page would hold memory for 2 MB where a row needs 4 KB."""
    memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory
