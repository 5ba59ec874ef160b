"""Subscriptions: how long they last, what upgrades cost, and how they live."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.clock import iso_from_ms
from setaria.core.ids import AccountId
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import Subscription, Upgrade, begin, end, price_upgrade, renew, restart
from setaria.domain.plans.terms import Term, first_end_ms, next_end_ms

NANO = 10**9
LITE = Offer("lite", "Lite", 6 * NANO, "month", 4_100)
STANDARD = Offer("standard", "Standard", 16 * NANO, "month", 11_000)
PRO_YEAR = Offer("pro", "Pro", 528 * NANO, "year", 456_000)
MAX = Offer("max", "Max", 100 * NANO, "month", 82_000)
ACCOUNT = AccountId("acct_1")


def at(text: str) -> int:
    """Give a moment that is written in ISO 8601."""
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def last_moments(subscription: Subscription) -> list[str]:
    """Give the last valid moment of each term."""
    return [iso_from_ms(term.ends_at_ms - 1) for term in subscription.terms]


@pytest.mark.parametrize(
    "start, months, last",
    [
        ("2026-03-28T10:15:00Z", 1, "2026-04-28"),
        ("2026-03-28T23:59:59.999Z", 1, "2026-04-28"),
        ("2026-03-28T00:00:00Z", 1, "2026-04-28"),
        ("2026-01-31T12:00:00Z", 1, "2026-02-28"),
        ("2028-01-31T12:00:00Z", 1, "2028-02-29"),
        ("2026-12-05T12:00:00Z", 1, "2027-01-05"),
        ("2026-12-31T23:30:00-05:00", 1, "2027-02-01"),
        ("2026-03-28T10:15:00Z", 12, "2027-03-28"),
        ("2028-02-29T10:15:00Z", 12, "2029-02-28"),
    ],
)
def test_a_term_ends_with_a_day(start: str, months: int, last: str) -> None:
    """A month or a year later, through the last millisecond of that day in UTC."""
    assert f"{last}T23:59:59.999Z" == iso_from_ms(first_end_ms(at(start), months) - 1)


@pytest.mark.parametrize(
    "start, months, lasts",
    [
        ("2026-01-31T12:00Z", 1, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2027-12-30T12:00Z", 1, ["2028-01-30", "2028-02-29", "2028-03-30"]),
        ("2028-02-29T12:00Z", 12, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2026-03-28T12:00Z", 1, ["2026-04-28", "2026-05-28"]),
    ],
)
def test_renewals_keep_the_day_of_the_month(start: str, months: int, lasts: list[str]) -> None:
    """A short month does not shorten those after it."""
    anchor = datetime.datetime.fromisoformat(start).day
    ends = [first_end_ms(at(start), months)]
    while len(ends) < len(lasts):
        ends.append(next_end_ms(ends[-1], months, anchor))
    assert [f"{last}T23:59:59.999Z" for last in lasts] == [iso_from_ms(each - 1) for each in ends]


def test_a_subscription_lives() -> None:
    """It holds from its purchase on, through a term that was renewed ahead, and is over in the moment after."""
    start = at("2026-01-31T12:00Z")
    one = begin("sub_1", ACCOUNT, LITE, start, LITE.price_nano)
    assert (one.state_at(start), one.last.offer, one.term_at(start - 1)) == ("active", LITE, None)
    two = renew(one, STANDARD, start + 1, STANDARD.price_nano)
    assert last_moments(two) == ["2026-02-28T23:59:59.999Z", "2026-03-31T23:59:59.999Z"]
    edge = at("2026-03-01T00:00Z")
    assert [term and term.offer for term in (two.term_at(edge - 1), two.term_at(edge))] == [LITE, STANDARD]
    over = at("2026-04-01T00:00Z")
    assert [two.state_at(over - 1), two.state_at(over)] == ["active", "expired"]
    assert two.term_at(over) is None


def test_renewing_what_is_over_begins_anew() -> None:
    """The new term begins now and with a day of the month of its own; nobody pays for the time between."""
    one = begin("sub_1", ACCOUNT, LITE, at("2026-01-31T12:00Z"), 0)
    two = renew(one, LITE, at("2026-06-10T08:00Z"), 0)
    assert (10, at("2026-06-10T08:00Z"), "2026-07-10T23:59:59.999Z") == (
        two.anchor_day, two.last.starts_at_ms, last_moments(two)[-1],
    )  # fmt: skip


def test_old_terms_are_forgotten() -> None:
    """After years of renewals there are the term that holds and the one ahead."""
    subscription = begin("sub_1", ACCOUNT, LITE, at("2026-01-31T12:00Z"), 0)
    for _ in range(24):
        subscription = renew(subscription, LITE, subscription.last.ends_at_ms - 1, 0)
    assert last_moments(subscription) == ["2028-01-31T23:59:59.999Z", "2028-02-29T23:59:59.999Z"]


def test_a_restart_ends_what_was_before() -> None:
    """The term that held ends now, one that was paid ahead never begins."""
    start, now = at("2026-01-31T12:00Z"), at("2026-02-10T12:00Z")
    two = restart(renew(begin("sub_1", ACCOUNT, LITE, start, 0), LITE, start + 1, 0), MAX, now, 7)
    assert [(LITE, start, now, 0), (MAX, now, at("2026-03-11T00:00Z"), 7)] == [
        (term.offer, term.starts_at_ms, term.ends_at_ms, term.value_nano) for term in two.terms
    ]
    assert two.term_at(now) == two.last


def test_an_end_is_final() -> None:
    """Nothing holds any more, nor later, and nothing is renewed."""
    start, now = at("2026-01-31T12:00Z"), at("2026-02-10T12:00Z")
    over = end(renew(begin("sub_1", ACCOUNT, LITE, start, 0), LITE, start + 1, 0), now)
    assert (
        over.state_at(now), over.term_at(now), over.term_at(at("2026-03-05T00:00Z")), over.renews,
    ) == ("ended", None, None, False)  # fmt: skip


def term(offer: Offer, value_nano: int | None = None) -> Term:
    """Make a term of an offer that was paid for."""
    return Term(offer, 0, 1, offer.price_nano if value_nano is None else value_nano)


@pytest.mark.parametrize(
    "terms, left, offer, expected",
    [
        pytest.param((term(LITE),), 2_050, STANDARD, Upgrade(13 * NANO, 0), id="half is left"),
        pytest.param((term(LITE),), 0, STANDARD, Upgrade(16 * NANO, 0), id="nothing is left"),
        pytest.param((term(LITE),), 4_100, STANDARD, Upgrade(10 * NANO, 0), id="all is left"),
        pytest.param((term(LITE, 0),), 4_100, STANDARD, Upgrade(16 * NANO, 0), id="what was given is worth nothing"),
        pytest.param((term(LITE), term(LITE)), 4_100, STANDARD, Upgrade(4 * NANO, 0), id="a term paid ahead"),
        pytest.param((term(LITE),), 1, STANDARD, Upgrade(15_998_536_585, 0), id="6 / 4,100 = 0.001463414634..."),
        pytest.param((term(PRO_YEAR),), 456_000, MAX, Upgrade(0, 350_960), id="(528 - 100) / 100 x 82,000"),
        pytest.param((term(MAX),), 82_000, MAX, Upgrade(0, 0), id="worth just the price"),
        pytest.param((term(MAX),), 164_000, PRO_YEAR, Upgrade(328 * NANO, 0), id="compensation is worth as much again"),
        pytest.param((term(MAX),), 1, Offer("x", "X", 0, "month", 9), Upgrade(0, 0), id="to one that costs nothing"),
    ],
)
def test_an_upgrade_costs(terms: tuple[Term, ...], left: int, offer: Offer, expected: Upgrade) -> None:
    """The new price less what is left of the old; what is left beyond comes back as credits."""
    assert expected == price_upgrade(terms, left, offer)


@given(st.integers(0, 500_000), st.integers(0, 10**12))
def test_an_upgrade_loses_no_value(left: int, value_nano: int) -> None:
    """What is paid and what the old plan was worth is the new price and the compensation, but for half a unit each."""
    old, new = term(PRO_YEAR, value_nano), MAX
    upgrade = price_upgrade((old,), left, new)
    worth = value_nano * left / PRO_YEAR.credits
    gained = new.price_nano + upgrade.compensation * new.price_nano / new.credits
    assert abs(upgrade.pay_nano + worth - gained) <= 1 + new.price_nano / new.credits


def test_levels_go_up_by_credits_a_month_and_then_by_length() -> None:
    """A year of the same tier is above its month, whatever the order of prices."""
    lite_year = Offer("lite", "Lite", 63 * NANO, "year", 12 * 4_100)
    assert [LITE, lite_year, STANDARD, PRO_YEAR, MAX] == sorted(
        [MAX, PRO_YEAR, lite_year, STANDARD, LITE], key=lambda offer: offer.level
    )
