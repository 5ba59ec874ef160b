"""Purses: the arithmetic of money that moves in and out."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import Balance, Purse, balance_of, is_over, pay_in, take_out

CASH = Allowance("al_1", AccountId("acct_1"), "cash", "", 0, 0, 0, 0, 0)
AMOUNT = st.integers(0, 10**15)


def make_purse(available: int, granted: int, spent: int, debt: int) -> Allowance:
    """Make a purse of cash."""
    return msgspec.structs.replace(CASH, available=available, granted=granted, spent=spent, debt=debt)


def test_debt_is_paid_first() -> None:
    """What is paid in clears the debt, and only the rest can be spent."""
    assert pay_in(make_purse(0, 10, 12, 2), 5) == make_purse(3, 15, 12, 0)
    assert pay_in(make_purse(0, 10, 17, 7), 5) == make_purse(0, 15, 17, 2)


def test_what_is_taken_out_was_never_granted() -> None:
    """A refund lowers what was granted as much as what is left."""
    assert take_out(make_purse(8, 10, 2, 0), 3) == make_purse(5, 7, 2, 0)


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT)
def test_the_sum_holds(available: int, leased: int, spent: int, debt: int, amount: int) -> None:
    """Available and leases and spent less debt is what was granted, before and after."""
    purse = make_purse(available, available + leased + spent - debt, spent, debt)
    for moved in (pay_in(purse, amount), take_out(purse, amount)):
        assert moved.available + leased + moved.spent - moved.debt == moved.granted
    assert pay_in(purse, amount).debt == max(0, debt - amount)


def test_a_balance_counts_what_workers_hold() -> None:
    """Leased money is not spent; gifts that are over count no more; debts of all purses do."""
    gift = msgspec.structs.replace(CASH, kind="gift", available=4, granted=4, ends_at_ms=100)
    over = msgspec.structs.replace(gift, available=9, debt=1, ends_at_ms=50)
    lasting = msgspec.structs.replace(gift, available=1, ends_at_ms=None)
    purses = [Purse(make_purse(7, 20, 10, 0), 3), Purse(gift, 2), Purse(over, 0), Purse(lasting, 0)]
    found = balance_of(purses, 50)
    assert found == Balance(10, 7, 1)
    assert found.available_nano == 16


def test_an_end_is_the_first_moment_after() -> None:
    """At its end an allowance is over; one without an end never is."""
    gift = msgspec.structs.replace(CASH, ends_at_ms=100)
    assert [is_over(gift, 99), is_over(gift, 100), is_over(CASH, 10**15)] == [False, True, False]
