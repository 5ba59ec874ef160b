"""Alerts: when which one is due."""

import pytest

from setaria.domain.plans.alerts import ending_level, used_level

DAY_MS = 86_400_000
END_MS = 100 * DAY_MS


@pytest.mark.parametrize(
    "used, limit, level",
    [(0, 100, None), (49, 100, None), (50, 100, 50), (89, 100, 50), (90, 100, 90), (99, 100, 90), (100, 100, 100),
     (101, 100, 100), (999_999, 2_000_000, None), (1, 3, None), (2, 3, 50), (0, 0, None), (5, 0, None)],
)  # fmt: skip
def test_the_highest_level_that_is_reached(used: int, limit: int, level: int | None) -> None:
    """50, 90 and 100 percent, each from exactly there on."""
    assert level == used_level(used, limit)


@pytest.mark.parametrize(
    "before_ms, renews, level",
    [(2 * DAY_MS + 1, False, None), (2 * DAY_MS, False, 2), (DAY_MS + 1, False, 2), (DAY_MS, False, 0),
     (1, False, 0), (0, False, None), (-1, False, None), (5 * DAY_MS + 1, True, None), (5 * DAY_MS, True, 5),
     (1, True, 5), (0, True, None)],
)  # fmt: skip
def test_an_end_is_told_beforehand(before_ms: int, renews: bool, level: int | None) -> None:
    """Two days before and on the last day; one that is renewed by itself five days before."""
    assert level == ending_level(END_MS, END_MS - before_ms, renews=renews)
