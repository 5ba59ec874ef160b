"""How many retries there are."""

import pytest

from setaria.domain.routing.budget import RetryBudget


@pytest.mark.parametrize("calls, retries", [(0, 10), (12, 10), (100, 10), (500, 50), (505, 50)])
def test_a_tenth_of_the_calls_but_never_under_ten(calls: int, retries: int) -> None:
    """Exactly so many can be taken within one minute."""
    budget = RetryBudget()
    for _ in range(calls):
        budget.count_call(30.0)
    assert [budget.take(59.9) for _ in range(retries + 1)] == [True] * retries + [False]


def test_every_minute_begins_anew() -> None:
    """What was taken in the last minute does not count."""
    budget = RetryBudget()
    while budget.take(59.0):
        pass
    assert budget.take(60.0)
