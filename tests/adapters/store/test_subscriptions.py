"""Contract of the control store for plans: offers and subscriptions come back as they were given, on both engines."""

import asyncio

import msgspec

from setaria.adapters.store.control.store import ControlStore
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.plans.alerts import Alert
from setaria.domain.plans.offers import Offer, Window
from setaria.domain.plans.subscriptions import Subscription, begin, end, renew
from tests.adapters.store.samples import ACCOUNT, AT_MS, add_account_and_key, opened

OFFER = Offer(
    "lite", "Lite", 6, "month", 2**60, (Window(WindowTimes("day", "calendar", "Asia/Tokyo"), 5),), ("pro",), 1, 2, 3
)
YEAR = Offer("lite", "Lite", 60, "year", 12)


def test_offers_are_kept_by_tier_and_period(control: ControlStore) -> None:
    """Each has its place, a changed one takes it, and one that is removed is gone."""
    with control.begin() as books:
        books.put_offer(YEAR, 1)
        books.put_offer(msgspec.structs.replace(OFFER, name="Old"), 1)
        books.put_offer(OFFER, 2)
        books.set_currency("EUR", 3)
    with control.read() as books:
        assert books.read_offers() == [OFFER, YEAR]
    with control.begin() as books:
        books.remove_offer(OFFER)
        assert books.read_offers() == [YEAR]


def test_subscriptions_are_read_back_whole(control: ControlStore) -> None:
    """Terms, anchor and end, as they are written last; of another account nothing."""
    add_account_and_key(control)
    first = begin("sub_1", ACCOUNT.id, YEAR, AT_MS - 9, 7)
    second = begin("sub_2", ACCOUNT.id, OFFER, AT_MS, 7)
    with control.begin() as books:
        books.add_subscription(first)
        books.add_subscription(second)
        first, second = end(first, AT_MS), msgspec.structs.replace(renew(second, YEAR, AT_MS, 8), renews=True)
        books.change_subscription(first)
        books.change_subscription(second)
    with control.read() as books:
        assert [first, second] == books.list_subscriptions(ACCOUNT.id)
        assert books.list_subscriptions(msgspec.structs.replace(ACCOUNT, id="other").id) == []
    with control.begin() as books:
        assert [first, second] == books.lock_subscriptions(ACCOUNT.id)


def test_a_worker_finds_a_subscription(url: str, control: ControlStore) -> None:
    """Whole, by its id; one that is not there is nobody's."""
    add_account_and_key(control)
    held = msgspec.structs.replace(begin("sub_1", ACCOUNT.id, OFFER, AT_MS, 7), renews=True)
    with control.begin() as books:
        books.add_subscription(held)

    async def run() -> list[Subscription | None]:
        async with opened(url) as store:
            return [await store.find_subscription(each) for each in ("sub_1", "sub_2")]

    assert [held, None] == asyncio.run(run())


def test_those_that_end_are_found(control: ControlStore) -> None:
    """By the end of the last term, the ended ones left out."""
    add_account_and_key(control)
    held, over = (
        begin("sub_1", ACCOUNT.id, OFFER, AT_MS, 7),
        end(begin("sub_2", ACCOUNT.id, OFFER, AT_MS, 7), AT_MS + 5),
    )
    end_ms = held.last.ends_at_ms
    with control.begin() as books:
        books.add_subscription(held)
        books.add_subscription(over)
        assert [held] == books.list_ending(AT_MS, end_ms + 1)
        assert [held] == books.list_ending(end_ms, end_ms + 1)
        assert books.list_ending(AT_MS, end_ms) == []


def test_purses_of_plans_are_listed_with_what_is_leased(control: ControlStore) -> None:
    """Asked for by their kinds."""
    add_account_and_key(control)
    row = Allowance("al_1", ACCOUNT.id, "plan", "sub_1", AT_MS, 5, 5, 0, 0, AT_MS + 9)
    with control.begin() as books:
        books.add_allowance(row)
    with control.read() as books:
        assert [row] == [purse.allowance for purse in books.list_purses(ACCOUNT.id, ("plan", "window"))]
        assert [purse for purse in books.list_purses(ACCOUNT.id) if purse.allowance.kind == "plan"] == []


def test_alerts_are_kept_once(control: ControlStore) -> None:
    """By kind, subject and level; they are listed newest first, and unsent until one takes them to be sent."""
    add_account_and_key(control)
    first = Alert("alert_1", ACCOUNT.id, AT_MS, "plan_used", "sub_1/5", 50)
    second = Alert("alert_2", ACCOUNT.id, AT_MS + 1, "plan_used", "sub_1/5", 90)
    with control.begin() as books:
        again = msgspec.structs.replace(first, id="alert_3")
        assert [books.add_alert(alert) for alert in (first, second, again)] == [True, True, False]
        assert [second] == books.list_alerts(ACCOUNT.id, 1)
        assert [first, second] == books.list_unsent(AT_MS)
        assert [second] == books.list_unsent(AT_MS + 1)
        assert [books.take_to_send(first, AT_MS + 5) for _ in range(2)] == [True, False]
        assert [second] == books.list_unsent(AT_MS)
        assert [second, msgspec.structs.replace(first, sent_at_ms=AT_MS + 5)] == books.list_alerts(ACCOUNT.id, 5)
        books.leave_unsent(first)
        assert [first, second] == books.list_unsent(AT_MS)
