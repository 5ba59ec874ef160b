"""Ids sort by time, and chance is fair."""

from setaria.core.ids import CallIds, new_call_id, random_share


def test_call_ids_sort_by_the_moment_of_the_call() -> None:
    """A call id is a UUIDv7 in 32 hex digits: one made later sorts later, and no two are the same."""
    ids = [new_call_id(moment_ms) for moment_ms in range(1_795_405_093_000, 1_795_405_093_050)]
    assert sorted(ids) == ids
    assert len(set(ids)) == len(ids)
    assert {(len(each), each[12], each[16] in "89ab") for each in ids} == {(32, "7", True)}


def test_call_ids_of_many_draws() -> None:
    """Ids of digits that were drawn together are as those that are drawn one by one, also across draws."""
    maker = CallIds(iter(range(1_795_405_093_000, 1_795_405_094_000)).__next__)
    ids = [maker.draw() for _ in range(1000)]
    assert sorted(ids) == ids
    assert len({each[13:] for each in ids}) == len(ids)
    assert {(len(each), each[12]) for each in ids} == {(32, "7")}
    assert {each[16] for each in ids} == set("89ab")


def test_shares_are_spread_over_the_whole_range() -> None:
    """A thousand draws lie in [0, 1), some in every tenth of it."""
    shares = [random_share() for _ in range(1000)]
    assert all(0 <= share < 1 for share in shares)
    assert {int(share * 10) for share in shares} == set(range(10))
