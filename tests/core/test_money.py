"""Money: how amounts are written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.errors import InvalidRequest
from setaria.core.money import (
    decimal_from_millicredits,
    decimal_from_nano,
    nano_from_decimal,
    signed_nano_from_decimal,
)


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


@given(st.integers(0, 10**18 - 1))
def test_what_is_written_is_read_back(amount_nano: int) -> None:
    """Reading is the inverse of writing, to the last digit."""
    assert amount_nano == nano_from_decimal(decimal_from_nano(amount_nano))
    assert -amount_nano == signed_nano_from_decimal(f"-{decimal_from_nano(amount_nano)}")
    assert amount_nano == signed_nano_from_decimal(decimal_from_nano(amount_nano))


@pytest.mark.parametrize("text, expected", [("12.5", 12_500_000_000), ("0", 0), ("007", 7_000_000_000)])
def test_short_forms_are_read(text: str, expected: int) -> None:
    """The point and what follows it may be left out."""
    assert expected == nano_from_decimal(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1e3", "nan", "inf", ".5", "5.", "1,5", "1_000", " 1", "1 ", "1\n"])
def test_other_forms_are_refused(text: str) -> None:
    """Nothing is guessed or let through; the message names field and text."""
    with pytest.raises(InvalidRequest, match=r"price is .* give a decimal number") as refused:
        nano_from_decimal(text, "price")
    assert refused.value.param == "price"


@pytest.mark.parametrize("text", ["0.1234567890", "1234567890", "1" * 10_000, "\u0661"])
def test_what_can_t_be_kept_exactly_is_refused(text: str) -> None:
    """Nothing is rounded."""
    with pytest.raises(InvalidRequest, match="amount is '"):
        nano_from_decimal(text)


def test_a_sign_stands_once() -> None:
    """Two signs are no amount."""
    with pytest.raises(InvalidRequest, match="amount is '-1'"):
        signed_nano_from_decimal("--1")
