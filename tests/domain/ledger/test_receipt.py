"""Receipt: why a call cost what it did, in words."""

from typing import get_args

from setaria.core.usage import CountsFrom
from setaria.domain.ledger.receipt import explain
from setaria.domain.ledger.records import Ending
from tests.adapters.store.samples import make_call


def test_every_ending_is_explained() -> None:
    """Each in words of its own, with where the counts came from and what else is to be said."""
    told = {explain(make_call(ending=ending)) for ending in get_args(Ending)}
    assert len(told) == len(get_args(Ending))
    counted = {explain(make_call(counts_from=each)) for each in get_args(CountsFrom)}
    assert len(counted) == len(get_args(CountsFrom))
    assert explain(make_call(note="a note")).endswith("; a note")
