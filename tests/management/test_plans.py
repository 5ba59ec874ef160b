"""Plans: what people do with subscriptions, and what it leaves in the books."""

import msgspec
import pytest

from setaria.core.clock import iso_from_ms
from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.price_entries import Period
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import Purse
from setaria.domain.plans.offers import Offer, Window
from setaria.domain.plans.windows import window_scope
from setaria.management.accounts import create_account
from setaria.management.entries import Payment
from setaria.management.plan_statement import WindowState, show_plan, state_plan
from setaria.management.plans import (
    PaidBy,
    end_plan,
    renew_plan,
    reset_key,
    restart_plan,
    set_renewal,
    subscribe,
    upgrade_plan,
)
from setaria.management.purses import top_up
from tests.fakes.plan_books import FakePlanBooks

NANO = 10**9
DAY_S = 86_400
WINDOWS = (Window(WindowTimes("5h", "rolling"), 400), Window(WindowTimes("week", "calendar"), 1_500))
LITE = Offer("lite", "Lite", 6 * NANO, "month", 4_000, WINDOWS)
LITE_YEAR = Offer("lite", "Lite", 60 * NANO, "year", 48_000)
MAX = Offer("max", "Max", 100 * NANO, "month", 80_000)


@pytest.fixture
def books() -> FakePlanBooks:
    """Give books with three plans and the account ann, which has 20 of cash and 1,000 as a gift."""
    books = FakePlanBooks()
    for offer in (LITE, LITE_YEAR, MAX):
        books.offers.put_offer(offer, 0)
    create_account(books.accounts, books.purses, books.clock, "ann")
    top_up(books, "ann", Payment(20 * NANO))
    return books


def cash(books: FakePlanBooks) -> int:
    """Give the account's cash."""
    return next(row.available for row in books.purses.allowances.values() if row.kind == "cash")


def credits_of(books: FakePlanBooks) -> list[tuple[int, str]]:
    """Give what is available of each term, and its last moment."""
    rows = [row for row in books.purses.allowances.values() if row.kind == "plan"]
    return [(row.available, iso_from_ms((row.ends_at_ms or 0) - 1)) for row in rows]


def use(books: FakePlanBooks, amount: int) -> None:
    """Let calls use up credits of the term that was granted last."""
    row = [row for row in books.purses.allowances.values() if row.kind == "plan"][-1]
    books.purses.change_allowance(msgspec.structs.replace(row, available=row.available - amount, spent=amount))


def moves(books: FakePlanBooks) -> list[tuple[str, int]]:
    """Give kind and amount of every entry after the top-up."""
    return [(entry.kind, entry.amount) for entry in books.purses.entries[1:]]


def test_a_plan_is_bought(books: FakePlanBooks) -> None:
    """The price leaves the cash, the credits are there to the end of the last day, and the key is the plan's."""
    bought, (key, text) = subscribe(books, "ann", "lite", "month", "balance")
    assert (cash(books), credits_of(books)) == (14 * NANO, [(4_000, "2026-12-23T23:59:59.999Z")])
    assert moves(books) == [("purchase", -6 * NANO), ("grant", 4_000)]
    assert ("tp-", "plan", bought.subscription.id) == (text[:3], key.lane, key.subscription_id)
    assert {bought.subscription.id} == {entry.reference for entry in books.purses.entries[1:]}


def test_a_plan_that_is_given_costs_nothing(books: FakePlanBooks) -> None:
    """No money moves, and later it counts for nothing towards an upgrade."""
    subscribe(books, "ann", "lite", "month", "free")
    assert (cash(books), moves(books)) == (20 * NANO, [("grant", 4_000)])
    top_up(books, "ann", Payment(100 * NANO))
    assert upgrade_plan(books, "ann", "max", None, "balance").paid_nano == 100 * NANO


@pytest.mark.parametrize(
    "tier, period, error, problem",
    [
        ("lit", "month", NotFound, "there is no plan 'lit'; did you mean lite?"),
        ("max", "year", NotFound, "the plan max is not sold for a year, only for a month"),
        ("max", "month", InvalidRequest, "has 20.00 USD of cash, the plan costs 100.00 USD; top it up, or give"),
    ],
)
def test_a_purchase_that_cannot_be_changes_nothing(
    books: FakePlanBooks, tier: str, period: Period, error: type[Exception], problem: str
) -> None:
    """An unknown plan, or one that the balance does not cover; the message says what to do."""
    with pytest.raises(error) as caught:
        subscribe(books, "ann", tier, period, "balance")
    assert problem in str(caught.value)
    assert (moves(books), books.keys.list_keys(None), cash(books)) == ([], [], 20 * NANO)
    assert show_plan(books, "ann") is None


def test_an_account_has_one_plan_at_a_time(books: FakePlanBooks) -> None:
    """A second one is refused while the first is valid; after that it another one, with another key."""
    _, (first, _) = subscribe(books, "ann", "lite", "month", "free")
    with pytest.raises(InvalidRequest, match=r"has the plan lite until 2026-12-23T23:59:59\.999Z; upgrade it"):
        subscribe(books, "ann", "max", "month", "free")
    books.clock.advance(31 * DAY_S)
    bought, (second, _) = subscribe(books, "ann", "lite", "month", "free")
    good = {key.id: key.revoked_at_ms is None for key in books.keys.list_keys(None)}
    assert ({first.id: False, second.id: True}, 1) == (good, len(bought.subscription.terms))


def test_a_plan_is_renewed_ahead(books: FakePlanBooks) -> None:
    """The next term follows on the one that holds, is paid now and has credits of its own; twice is refused."""
    subscribe(books, "ann", "lite", "month", "balance")
    use(books, 1_000)
    renew_plan(books, "ann", "balance")
    assert credits_of(books) == [(3_000, "2026-12-23T23:59:59.999Z"), (4_000, "2027-01-23T23:59:59.999Z")]
    assert cash(books) == 8 * NANO
    with pytest.raises(InvalidRequest, match="is renewed already, until 2027-01-23"):
        renew_plan(books, "ann", "balance")


def test_an_expired_plan_is_renewed_from_now_on(books: FakePlanBooks) -> None:
    """With the same key."""
    _, (key, _) = subscribe(books, "ann", "lite", "month", "balance")
    books.clock.advance(40 * DAY_S)
    with pytest.raises(NotFound, match="is over; renew it"):
        set_renewal(books, "ann", renews=True)
    with pytest.raises(InvalidRequest, match=r"ended at 2026-12-23.*; renew it first"):
        upgrade_plan(books, "ann", "max", None, "free")
    renew_plan(books, "ann", "balance")
    statement = show_plan(books, "ann")
    assert statement is not None
    assert ("active", key, 4_000) == (statement.state, statement.key, statement.left)
    assert iso_from_ms(statement.term.ends_at_ms - 1) == "2027-02-02T23:59:59.999Z"


def test_a_plan_that_is_no_longer_sold_is_not_renewed(books: FakePlanBooks) -> None:
    """It runs on to its end as it was bought."""
    subscribe(books, "ann", "lite", "month", "balance")
    books.offers.remove_offer(LITE)
    with pytest.raises(NotFound, match="not sold for a month, only for a year"):
        renew_plan(books, "ann", "balance")
    with pytest.raises(NotFound, match="not sold for a month"):
        restart_plan(books, "ann", "balance")


def test_a_plan_that_is_used_up_begins_anew(books: FakePlanBooks) -> None:
    """What is left of the term that holds is lost."""
    subscribe(books, "ann", "lite", "month", "balance")
    use(books, 3_990)
    books.clock.advance(DAY_S)
    restart_plan(books, "ann", "balance")
    assert credits_of(books) == [(0, "2026-11-23T23:59:59.999Z"), (4_000, "2026-12-24T23:59:59.999Z")]
    assert sorted(moves(books)[-2:]) == [("expire", -10), ("grant", 4_000)]
    statement = show_plan(books, "ann")
    assert statement is not None
    assert len(statement.subscription.terms) == 2


@pytest.mark.parametrize("paid_by", ["balance", "free"])
def test_a_term_that_is_paid_ahead_is_never_lost(books: FakePlanBooks, paid_by: PaidBy) -> None:
    """A plan that is renewed already does not begin anew; nothing is paid, and the credits stay."""
    subscribe(books, "ann", "lite", "month", "balance")
    renew_plan(books, "ann", "balance")
    with pytest.raises(InvalidRequest, match="is renewed already, until 2027-01-23"):
        restart_plan(books, "ann", paid_by)
    assert ([left for left, _ in credits_of(books)], cash(books)) == ([4_000, 4_000], 8 * NANO)


@pytest.mark.parametrize(
    "paid_by, used, paid_nano, left_nano",
    [("balance", 2_000, 97 * NANO, 17 * NANO), ("balance", 4_000, 100 * NANO, 14 * NANO), ("free", 0, 0, 114 * NANO)],
)
def test_an_upgrade_costs_the_difference(
    books: FakePlanBooks, paid_by: PaidBy, used: int, paid_nano: int, left_nano: int
) -> None:
    """Half of Lite left is worth $3; the key stays, the old credits are gone, and a full term begins."""
    _, (key, _) = subscribe(books, "ann", "lite", "month", "balance")
    use(books, used)
    top_up(books, "ann", Payment(100 * NANO))
    books.clock.advance(DAY_S)
    bought = upgrade_plan(books, "ann", "max", None, paid_by)
    assert (paid_nano, 0, left_nano) == (bought.paid_nano, bought.compensation, cash(books))
    assert credits_of(books) == [(0, "2026-11-23T23:59:59.999Z"), (80_000, "2026-12-24T23:59:59.999Z")]
    assert [key] == [each for each in books.keys.list_keys(None) if each.revoked_at_ms is None]
    assert bought.subscription.last.value_nano == (6 * NANO if paid_by == "free" else 100 * NANO)


def test_an_upgrade_from_a_worthier_plan_adds_credits(books: FakePlanBooks) -> None:
    """A year of Lite at $60, changed to a plan at $6 that has more a month: $54 come back as nine terms' credits."""
    books.offers.put_offer(Offer("new", "New", 6 * NANO, "month", 5_000), 0)
    top_up(books, "ann", Payment(40 * NANO))
    subscribe(books, "ann", "lite", "year", "balance")
    bought = upgrade_plan(books, "ann", "new", "month", "balance")
    assert (bought.paid_nano, bought.compensation) == (0, 45_000)
    assert moves(books)[-2:] == [("grant", 5_000), ("compensation", 45_000)]
    statement = show_plan(books, "ann")
    assert statement is not None
    assert statement.left == 50_000


@pytest.mark.parametrize("tier, period", [("lite", None), ("lite", "month")])
def test_there_is_no_way_down(books: FakePlanBooks, tier: str, period: Period | None) -> None:
    """Neither to the same plan nor to a lower one; nothing is changed."""
    top_up(books, "ann", Payment(100 * NANO))
    subscribe(books, "ann", "lite", "month", "free")
    before = moves(books)
    with pytest.raises(InvalidRequest, match="the plan lite for a month is not above lite for a month"):
        upgrade_plan(books, "ann", tier, period, "balance")
    assert before == moves(books)
    assert upgrade_plan(books, "ann", "lite", "year", "balance").paid_nano == 54 * NANO + 6 * NANO


def test_a_plan_is_cancelled_to_its_end_or_at_once(books: FakePlanBooks) -> None:
    """Without renewal it runs on; ended at once its credits are gone, and its key with them."""
    subscribe(books, "ann", "lite", "month", "balance")
    assert set_renewal(books, "ann", renews=True).renews
    assert not set_renewal(books, "ann", renews=False).renews
    end_plan(books, "ann")
    assert (moves(books)[-1:], cash(books)) == ([("expire", -4_000)], 14 * NANO)
    statement = show_plan(books, "ann")
    assert statement is not None
    assert (statement.state, statement.key, statement.left) == ("ended", None, 0)
    with pytest.raises(NotFound, match=r"has no plan; buy one: setaria plans subscribe acct_\w+ TIER"):
        renew_plan(books, "ann", "free")


def test_a_new_key_takes_the_place_of_the_old_one(books: FakePlanBooks) -> None:
    """There is one at most that is good."""
    _, (old, _) = subscribe(books, "ann", "lite", "month", "balance")
    new, text = reset_key(books, "ann")
    assert [new.id] == [key.id for key in books.keys.list_keys(None) if key.revoked_at_ms is None]
    assert ("tp-", old.subscription_id) == (text[:3], new.subscription_id)


def test_a_statement_tells_what_windows_have_left(books: FakePlanBooks) -> None:
    """Of one that is open what calls have taken, what is held for calls under way not being used; of others nothing."""
    bought, _ = subscribe(books, "ann", "lite", "month", "balance")
    held, now_ms = bought.subscription, books.clock.now_ms()
    scope = window_scope(held.id, held.last, 0)
    rows = [
        Allowance("al_1", held.account_id, "window", scope, now_ms - 100, 50, 400, 250, 0, now_ms + 5_000),
        Allowance("al_2", held.account_id, "window", scope, now_ms - 900, 0, 400, 400, 0, now_ms - 100),
        Allowance("al_3", held.account_id, "plan", held.id, held.last.starts_at_ms, -7, 4_000, 4_010, 3, None),
    ]
    statement = state_plan(held, [Purse(rows[0], 100), Purse(rows[1], 0), Purse(rows[2], 0)], [], now_ms)
    monday_ms = now_ms + 7 * DAY_S * 1000
    assert (WindowState(WINDOWS[0], 250, now_ms + 5_000), WindowState(WINDOWS[1], 0, monday_ms)) == statement.windows
    assert (statement.used, statement.left) == (4_010, 0)
    later = state_plan(held, [Purse(rows[0], 100)], [], now_ms + 5_000)
    assert (WindowState(WINDOWS[0], 0, None), 0) == (later.windows[0], later.granted)
