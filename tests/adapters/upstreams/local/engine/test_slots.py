"""Rows of the cache: contiguous, whoever comes and goes."""

import random

import numpy as np

from setaria.adapters.upstreams.local.engine.network import CacheShape
from setaria.adapters.upstreams.local.engine.slots import Slot, Slots

SHAPE = CacheShape(layers=2, heads=2, head_size=4, element=np.float32)


def write(slots: Slots, slot: Slot, mark: int, length: int) -> None:
    """Fill a row with its owner's mark."""
    for pair in slots.block(slot.row, 1).pairs:
        for array in pair:
            array[0, :, :length] = mark
    slot.length = length


def marks(slots: Slots, slot: Slot) -> set[float]:
    """Give all that stands in a row."""
    pairs = slots.block(slot.row, 1).pairs
    return {float(value) for pair in pairs for array in pair for value in np.unique(array[0, :, : slot.length])}


def test_rows_keep_their_content_through_any_order() -> None:
    """Each open row keeps what was written, ready rows come first without a gap, and closed ones are free again."""
    rng = random.Random(1)
    slots = Slots(SHAPE, rows=6, capacity=600)
    loading: dict[int, Slot] = {}
    ready: dict[int, Slot] = {}
    for mark in range(1, 400):
        action = rng.choice(["open", "promote", "close"])
        if action == "open" and slots.free:
            loading[mark] = slots.open()
            write(slots, loading[mark], mark, rng.randint(1, 600))
        elif action == "promote" and loading:
            chosen = rng.choice(list(loading))
            ready[chosen] = loading.pop(chosen)
            slots.promote(ready[chosen])
        elif action == "close" and (loading or ready):
            kind = rng.choice([kind for kind in (loading, ready) if kind])
            slots.close(kind.pop(rng.choice(list(kind))))
        held = loading | ready
        assert {mark: marks(slots, slot) for mark, slot in held.items()} == {mark: {mark} for mark in held}
        assert sorted(slot.row for slot in ready.values()) == list(range(len(ready)))
        assert sorted(slot.row for slot in held.values()) == list(range(len(held)))
        assert (slots.ready, slots.free) == (len(ready), 6 - len(held))


def test_a_mask_has_a_one_for_each_token() -> None:
    """The mask is as wide as the longest row and counts the tokens to come."""
    slots = Slots(SHAPE, rows=2, capacity=10)
    for length in (3, 1):
        slots.open().length = length
    assert slots.mask(0, 2, 1).tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
