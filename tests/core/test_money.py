"""Money: how amounts are written."""

import pytest

from setaria.core.money import decimal_from_millicredits, decimal_from_nano


@pytest.mark.parametrize(
    "amount_nano, expected",
    [
        (0, "0.00"),
        (1, "0.000000001"),
        (-435_000, "-0.000435"),
        (12_500_000_000, "12.50"),
        (12_000_000_000, "12.00"),
        (12_345_000_000, "12.345"),
        (10**27 + 1, "1000000000000000000.000000001"),
    ],
)
def test_amounts_are_written_exactly(amount_nano: int, expected: str) -> None:
    """No digit is lost and none invented."""
    assert decimal_from_nano(amount_nano) == expected


@pytest.mark.parametrize(
    "amount, text",
    [(0, "0"), (1, "0.001"), (2_500, "2.5"), (300_000, "300"), (-1, "-0.001"), (41_000_000_000_000, "41000000000")],
)
def test_credits_are_written_exactly(amount: int, text: str) -> None:
    """Thousandths that are nothing are left out."""
    assert text == decimal_from_millicredits(amount)
