"""Plan books: all that actions on plans take, in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec.structs

from setaria.core.ids import AccountId
from setaria.domain.plans.alerts import Alert
from setaria.domain.plans.subscriptions import Subscription
from tests.fakes.books import FakeBooks


class FakeSubscriptionBook:
    """Implements the port SubscriptionBook; `changes` is its change counter."""

    def __init__(self) -> None:
        self._held: dict[str, Subscription] = {}
        self.changes = 0

    def add_subscription(self, subscription: Subscription) -> None:
        self.change_subscription(subscription)

    def change_subscription(self, subscription: Subscription) -> None:
        self._held[subscription.id] = subscription
        self.changes += 1

    def list_subscriptions(self, account_id: AccountId) -> list[Subscription]:
        return [each for each in self._held.values() if each.account_id == account_id]

    def lock_subscriptions(self, account_id: AccountId) -> list[Subscription]:
        return self.list_subscriptions(account_id)

    def list_ending(self, from_ms: int, to_ms: int) -> list[Subscription]:
        return [each for each in self._held.values() if from_ms <= each.last.ends_at_ms < to_ms and not each.has_ended]


class FakeAlertBook:
    """Implements the port AlertBook; `raised` are all alerts."""

    def __init__(self) -> None:
        self.raised: dict[str, Alert] = {}

    def add_alert(self, alert: Alert) -> bool:
        places = {(each.account_id, each.kind, each.subject, each.level) for each in self.raised.values()}
        if (alert.account_id, alert.kind, alert.subject, alert.level) in places:
            return False
        self.raised[alert.id] = alert
        return True

    def list_alerts(self, account_id: AccountId, limit: int) -> list[Alert]:
        return [each for each in reversed(self.raised.values()) if each.account_id == account_id][:limit]

    def list_unsent(self, since_ms: int) -> list[Alert]:
        return [each for each in self.raised.values() if each.sent_at_ms is None and each.at_ms >= since_ms]

    def take_to_send(self, alert: Alert, sent_at_ms: int) -> bool:
        if self.raised[alert.id].sent_at_ms is not None:
            return False
        self.raised[alert.id] = msgspec.structs.replace(alert, sent_at_ms=sent_at_ms)
        return True

    def leave_unsent(self, alert: Alert) -> None:
        self.raised[alert.id] = msgspec.structs.replace(alert, sent_at_ms=None)


class FakePlanBooks(FakeBooks):
    """Implements PlanBooks and AlertBooks."""

    def __init__(self) -> None:
        super().__init__()
        self.offers = self.prices
        self.subscriptions = FakeSubscriptionBook()
        self.alerts = FakeAlertBook()

    @contextmanager
    def begin_alerts(self) -> Iterator["FakePlanBooks"]:
        """Open what would be a transaction."""
        self.begun += 1
        yield self
