"""Plan books: all that actions on plans take, in memory."""

from setaria.core.ids import AccountId
from setaria.domain.plans.subscriptions import Subscription
from tests.fakes.books import FakeBooks
from tests.fakes.price_book import FakePriceBook


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


class FakePlanBooks(FakeBooks):
    """Implements PlanBooks."""

    def __init__(self) -> None:
        super().__init__()
        self.offers = self.prices = FakePriceBook()
        self.subscriptions = FakeSubscriptionBook()
