"""Purse keeping: what time alone does to purses leaves entries, once."""

import msgspec
import pytest

from setaria.core.money import decimal_from_nano
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.plans.offers import Offer
from setaria.management.accounts import create_account
from setaria.management.entries import Payment
from setaria.management.money_shapes import shape_statement
from setaria.management.plan_statement import show_plan
from setaria.management.plans import subscribe
from setaria.management.purse_keeping import AT_ONCE, Kept, keep_purses
from setaria.management.purses import give, show_account, top_up
from tests.fakes.plan_books import FakePlanBooks

DAY_MS = 86_400_000


@pytest.fixture
def books() -> FakePlanBooks:
    """Give books with the account `ann`: 20 in cash, and a gift of 7 that ends tomorrow, of which 2 are spent."""
    made = FakePlanBooks()
    create_account(made.accounts, made.purses, made.clock, "ann", "", "prepaid")
    top_up(made, "ann", Payment(20))
    give(made, "ann", Payment(7), made.clock.now_ms() + DAY_MS)
    change(made, gift_of(made), available=5, spent=2)
    return made


def gift_of(books: FakePlanBooks) -> Allowance:
    """Give Ann's gift."""
    return next(row for row in books.purses.allowances.values() if row.kind == "gift")


def change(books: FakePlanBooks, row: Allowance, **numbers: int) -> None:
    """Let calls change an allowance."""
    books.purses.change_allowance(msgspec.structs.replace(row, **numbers))


def sums(books: FakePlanBooks) -> dict[str, int]:
    """Sum the entries of each allowance."""
    found: dict[str, int] = {}
    for entry in books.purses.entries:
        found[entry.allowance_id] = found.get(entry.allowance_id, 0) + entry.amount
    return found


def test_a_gift_that_ends_leaves_an_entry(books: FakePlanBooks) -> None:
    """Of what is left, once; the entries still sum to what was granted, and the last moment is named."""
    assert keep_purses(books.begin) == Kept(0, 0)
    books.clock.advance(DAY_MS / 1000)
    assert [keep_purses(books.begin), keep_purses(books.begin)] == [Kept(1, 0), Kept(0, 0)]
    entry, gift = books.purses.entries[-1], gift_of(books)
    assert (entry.kind, entry.amount, entry.actor) == ("expire", -5, "system")
    assert entry.reason == "ended at 2026-11-23T23:59:59.999Z"
    assert (gift.available, gift.granted, gift.spent, sums(books)[gift.id]) == (0, 2, 2, 2)


def test_an_expired_gift_is_shown_no_more(books: FakePlanBooks) -> None:
    """Unless it still owes something."""

    def kinds() -> set[str]:
        return {purse.allowance.kind for purse in show_account(books, "ann").purses}

    books.clock.advance(DAY_MS / 1000)
    assert kinds() == {"cash", "gift"}
    keep_purses(books.begin)
    assert kinds() == {"cash"}
    change(books, gift_of(books), spent=4, debt=2)
    assert kinds() == {"cash", "gift"}


def test_what_a_call_under_way_held_of_a_gift_expires_when_it_comes_back(books: FakePlanBooks) -> None:
    """Then by another entry."""
    books.clock.advance(DAY_MS / 1000)
    keep_purses(books.begin)
    gift = gift_of(books)
    change(books, gift, available=1, spent=1)
    assert keep_purses(books.begin) == Kept(1, 0)
    assert [entry.amount for entry in books.purses.entries if entry.kind == "expire"] == [-5, -1]


def test_a_term_that_ends_leaves_an_entry(books: FakePlanBooks) -> None:
    """The statement of the plan still says what it granted, and what of it was used."""
    books.prices.put_offer(Offer("lite", "Lite", 6, "month", 100), 0)
    subscribe(books, "ann", "lite", "month", "free")
    plan = next(row for row in books.purses.allowances.values() if row.kind == "plan")
    change(books, plan, available=70, spent=30)
    books.clock.advance(40 * DAY_MS / 1000)
    assert keep_purses(books.begin) == Kept(2, 0)
    assert sums(books)[plan.id] == 30
    shown = show_plan(books, "ann")
    assert shown is not None
    assert (shown.state, shown.granted, shown.used, shown.left) == ("expired", 100, 30, 70)


def test_many_expire_in_several_turns(books: FakePlanBooks) -> None:
    """No transaction is long; what is used up, or does not end, stays as it is."""
    for _ in range(AT_ONCE):
        give(books, "ann", Payment(1), books.clock.now_ms() + DAY_MS)
    give(books, "ann", Payment(1), None)
    books.clock.advance(DAY_MS / 1000)
    before = books.begun
    assert keep_purses(books.begin) == Kept(AT_ONCE + 1, 0)
    assert books.begun == before + 3
    assert show_account(books, "ann").balance.gift_nano == 1


@pytest.mark.parametrize("touch", [top_up, lambda books, name, payment: give(books, name, payment, None)])
def test_a_payment_expires_what_has_ended(books: FakePlanBooks, touch: object) -> None:
    """Nobody has to wait for the next turn of all accounts."""
    books.clock.advance(DAY_MS / 1000)
    touch(books, "ann", Payment(1))  # type: ignore[operator]  # one of the two above
    assert books.purses.entries[2].kind == "expire"


def test_cash_pays_what_a_gift_owes(books: FakePlanBooks) -> None:
    """By an entry of each, as far as it goes, and once."""
    change(books, gift_of(books), available=0, spent=30, debt=23)
    assert show_account(books, "ann").balance.debt_nano == 23
    assert [keep_purses(books.begin), keep_purses(books.begin)] == [Kept(0, 1), Kept(0, 0)]
    balance = show_account(books, "ann").balance
    assert (balance.cash_nano, balance.gift_nano, balance.debt_nano) == (0, 0, 3)
    assert [(entry.kind, entry.amount) for entry in books.purses.entries[-2:]] == [("adjust", -20), ("adjust", 20)]
    gift = gift_of(books)
    assert (gift.granted, sums(books)[gift.id]) == (27, 27)
    assert shape_statement(show_account(books, "ann"), "USD").gifts[0].granted == decimal_from_nano(7)


def test_a_top_up_clears_what_a_gift_owes(books: FakePlanBooks) -> None:
    """Also where it is over: the debt is gone at once, and the rest can be spent."""
    change(books, gift_of(books), available=0, spent=32, debt=25)
    cash = next(row for row in books.purses.allowances.values() if row.kind == "cash")
    change(books, cash, available=0, spent=20)
    books.clock.advance(DAY_MS / 1000)
    entry = top_up(books, "ann", Payment(30))
    balance = show_account(books, "ann").balance
    assert (entry.kind, balance.cash_nano, balance.debt_nano) == ("topup", 5, 0)
