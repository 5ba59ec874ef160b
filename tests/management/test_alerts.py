"""Alerts and renewals by themselves: what is raised, sent and renewed, and when."""

import msgspec
import pytest

from setaria.core.windows import WindowTimes
from setaria.domain.accounts.records import Account
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import Held
from setaria.domain.plans.alerts import Alert
from setaria.domain.plans.offers import Offer, Window
from setaria.domain.plans.windows import window_scope
from setaria.management.accounts import create_account
from setaria.management.alerts import describe_alert, raise_alerts, send_alerts
from setaria.management.entries import Payment
from setaria.management.plan_renewal import renew_due
from setaria.management.plans import end_plan, set_renewal, subscribe
from setaria.management.purses import top_up
from tests.fakes.plan_books import FakePlanBooks

NANO = 10**9
DAY_S = 86_400
WINDOW = Window(WindowTimes("5h", "rolling"), 400)
NOT_RENEWED = "The plan could not be renewed from the balance; top it up, it is tried again until the plan ends."
LITE = Offer("lite", "Lite", 6 * NANO, "month", 4_000, (WINDOW,))


class FakeSender:
    """Implements the port Sender; `problem` is what goes wrong."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem
        self.sent: list[tuple[str, str, str]] = []

    def send(self, alert: Alert, account: Account, text: str) -> str:
        self.sent.append((account.name, alert.kind, text))
        return self.problem


@pytest.fixture
def books() -> FakePlanBooks:
    """Give books where the account ann has the plan lite, bought with half of her cash of 12."""
    books = FakePlanBooks()
    books.offers.put_offer(LITE, 0)
    create_account(books.accounts, books.purses, books.clock, "ann")
    top_up(books, "ann", Payment(12 * NANO))
    subscribe(books, "ann", "lite", "month", "balance")
    return books


def use(books: FakePlanBooks, amount: int) -> None:
    """Let calls have used so many credits of the plan."""
    row = next(row for row in books.purses.allowances.values() if row.kind == "plan")
    books.purses.change_allowance(msgspec.structs.replace(row, available=row.granted - amount, spent=amount))


def raised(books: FakePlanBooks) -> list[tuple[str, int]]:
    """Give kind and level of all alerts."""
    return [(alert.kind, alert.level) for alert in books.alerts.raised.values()]


def test_each_level_is_told_once(books: FakePlanBooks) -> None:
    """From 50 percent on, and one that is passed over at once is not told later."""
    counts = []
    for used in (1_999, 2_000, 2_100, 4_000, 4_000):
        use(books, used)
        counts.append(raise_alerts(books.begin_alerts, books.clock))
    assert (counts, raised(books)) == ([0, 1, 0, 1, 0], [("plan_used", 50), ("plan_used", 100)])


def test_each_window_is_told_anew(books: FakePlanBooks) -> None:
    """A window that opens later has levels of its own; one that no call has opened has none."""
    (held,) = books.subscriptions.list_subscriptions(books.accounts.list_accounts()[0].id)
    now_ms = books.clock.now_ms()
    scope = window_scope(held.id, held.last, 0)
    for number in range(2):
        begin_ms = now_ms + number * 5 * 3_600_000
        books.purses.add_allowance(
            Allowance(
                f"al_{number}", held.account_id, "window", scope, begin_ms, 40, 400, 360, 0, begin_ms + 18_000_000
            )
        )
    assert raise_alerts(books.begin_alerts, books.clock) + raise_alerts(books.begin_alerts, books.clock) == 1
    books.clock.advance(5 * 3600)
    assert raise_alerts(books.begin_alerts, books.clock) == 1
    assert raised(books) == [("window_used", 90)] * 2


def test_an_end_is_told_unless_the_next_term_is_paid(books: FakePlanBooks) -> None:
    """Two days before and on the last day."""
    books.clock.advance(29.5 * DAY_S)
    assert raise_alerts(books.begin_alerts, books.clock) == 1
    books.clock.advance(DAY_S)
    assert raise_alerts(books.begin_alerts, books.clock) == 1
    assert raised(books) == [("plan_ends", 2), ("plan_ends", 0)]
    books.clock.advance(DAY_S)
    assert raise_alerts(books.begin_alerts, books.clock) == 0


def test_alerts_are_sent_once_by_every_way(books: FakePlanBooks) -> None:
    """What one way does not take is tried again, for a day; without any way they count as sent."""
    use(books, 4_000)
    raise_alerts(books.begin_alerts, books.clock)
    good, bad = FakeSender(), FakeSender("no server")
    assert send_alerts(books.begin_alerts, books.clock, (good, bad)) == ["no server"]
    bad.problem = ""
    assert send_alerts(books.begin_alerts, books.clock, (good, bad)) == []
    assert send_alerts(books.begin_alerts, books.clock, (good, bad)) == []
    assert good.sent == [("ann", "plan_used", "100 percent of the plan's credits are used.")] * 2
    assert [books.clock.now_ms()] == [alert.sent_at_ms for alert in books.alerts.raised.values()]


def test_an_alert_that_another_node_sends_is_left_to_it(books: FakePlanBooks) -> None:
    """Both have found it unsent; one sends it."""
    use(books, 4_000)
    raise_alerts(books.begin_alerts, books.clock)
    (alert,) = books.alerts.raised.values()
    books.alerts.take_to_send(alert, 1)
    books.alerts.list_unsent = lambda since_ms: [alert]  # type: ignore[method-assign]  # as it was a moment ago
    sender = FakeSender()
    assert (send_alerts(books.begin_alerts, books.clock, (sender,)), sender.sent) == ([], [])


def test_alerts_of_yesterday_are_not_sent_any_more(books: FakePlanBooks) -> None:
    """News that old helps nobody."""
    use(books, 4_000)
    raise_alerts(books.begin_alerts, books.clock)
    books.clock.advance(DAY_S + 1)
    sender = FakeSender()
    assert (send_alerts(books.begin_alerts, books.clock, (sender,)), sender.sent) == ([], [])


def test_a_plan_renews_itself_a_day_before_its_end(books: FakePlanBooks) -> None:
    """Once, from the balance, by the system; not before its last day, nor when nobody wants it."""
    books.clock.advance(29.5 * DAY_S)
    assert renew_due(books.begin_alerts, books.clock) == (0, [])
    set_renewal(books, "ann", renews=True)
    assert renew_due(books.begin_alerts, books.clock) == (0, [])
    books.clock.advance(1.2 * DAY_S)
    assert renew_due(books.begin_alerts, books.clock) == (1, [])
    assert renew_due(books.begin_alerts, books.clock) == (0, [])
    assert [(entry.kind, entry.amount, entry.actor) for entry in books.purses.entries[-2:]] == [
        ("purchase", -6 * NANO, "system"),
        ("grant", 4_000, "system"),
    ]
    assert raise_alerts(books.begin_alerts, books.clock) == 0


def test_a_renewal_that_cannot_be_paid_is_told_once_and_tried_again(books: FakePlanBooks) -> None:
    """Until there is money."""
    set_renewal(books, "ann", renews=True)
    cash = next(row for row in books.purses.allowances.values() if row.kind == "cash")
    books.purses.change_allowance(msgspec.structs.replace(cash, available=0, granted=0))
    books.clock.advance(30.5 * DAY_S)
    for _ in range(2):
        renewed, problems = renew_due(books.begin_alerts, books.clock)
        assert (renewed, "0.00 USD of cash" in problems[0]) == (0, True)
    assert raised(books) == [("not_renewed", 0)]
    assert books.purses.recalls == {}
    top_up(books, "ann", Payment(6 * NANO))
    assert renew_due(books.begin_alerts, books.clock) == (1, [])


def test_a_plan_that_is_given_up_meanwhile_is_not_renewed(books: FakePlanBooks) -> None:
    """What its owner does while leases come home counts."""
    set_renewal(books, "ann", renews=True)
    books.clock.advance(30.5 * DAY_S)
    books.purses.held = [Held(1, 1), Held(0, 0)]
    pause = books.clock.pause

    def give_up(seconds: float) -> None:
        pause(seconds)
        end_plan(books, "ann")

    books.clock.pause = give_up  # type: ignore[method-assign]  # somebody acts while it waits
    assert renew_due(books.begin_alerts, books.clock) == (0, [])


@pytest.mark.parametrize(
    "kind, level, text",
    [
        ("plan_used", 90, "90 percent of the plan's credits are used."),
        ("window_used", 50, "50 percent of the credits of a window of the plan are used."),
        ("plan_ends", 0, "The plan ends today."),
        ("plan_ends", 2, "The plan ends in two days."),
        ("plan_ends", 5, "The plan ends in 5 days."),
        ("not_renewed", 0, NOT_RENEWED),
    ],
)  # fmt: skip
def test_alerts_say_what_is_the_matter(kind: str, level: int, text: str) -> None:
    """In one sentence."""
    alert = msgspec.convert(
        {"id": "a", "account_id": "b", "at_ms": 0, "kind": kind, "subject": "", "level": level}, Alert
    )
    assert text == describe_alert(alert)
