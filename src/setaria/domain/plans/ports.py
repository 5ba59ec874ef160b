"""Ports: what plans need from outside."""

from typing import Protocol

from setaria.core.ids import AccountId
from setaria.domain.plans.alerts import Alert
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import Subscription


class OfferBook(Protocol):
    """Offers as people manage them, inside the caller's transaction; every change counts up the change counter."""

    def read_offers(self) -> list[Offer]:
        """Read all offers, by tier and period."""
        ...

    def put_offer(self, offer: Offer, created_at_ms: int) -> None:
        """Insert an offer, or replace the one of its tier and period."""
        ...

    def remove_offer(self, offer: Offer) -> None:
        """Delete the offer of this tier and period; subscriptions keep their terms."""
        ...


class SubscriptionBook(Protocol):
    """Subscriptions as people manage them, inside the caller's transaction; every change counts up the counter."""

    def add_subscription(self, subscription: Subscription) -> None:
        """Insert a new subscription."""
        ...

    def change_subscription(self, subscription: Subscription) -> None:
        """Write a subscription's new state in place of the old one."""
        ...

    def list_subscriptions(self, account_id: AccountId) -> list[Subscription]:
        """List an account's subscriptions, oldest first."""
        ...

    def lock_subscriptions(self, account_id: AccountId) -> list[Subscription]:
        """List them likewise; nobody else changes them until the transaction ends."""
        ...

    def list_ending(self, from_ms: int, to_ms: int) -> list[Subscription]:
        """List those whose last term ends with from_ms <= end < to_ms, and that were not given up."""
        ...


class AlertBook(Protocol):
    """Alerts as they are raised and sent, inside the caller's transaction."""

    def add_alert(self, alert: Alert) -> bool:
        """Insert an alert, unless there is one of its account, kind, subject and level; False when there is."""
        ...

    def list_alerts(self, account_id: AccountId, limit: int) -> list[Alert]:
        """List an account's newest alerts, newest first."""
        ...

    def list_unsent(self, since_ms: int) -> list[Alert]:
        """List those raised since then that are not sent yet, oldest first."""
        ...

    def take_to_send(self, alert: Alert, sent_at_ms: int) -> bool:
        """Note that an alert is sent; False when somebody else has done so."""
        ...

    def leave_unsent(self, alert: Alert) -> None:
        """Note that an alert could not be sent."""
        ...


class PlanDirectory(Protocol):
    """Finds subscriptions for the data plane."""

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        """Find a subscription by its id; None when there is none.

        Raises: Unavailable when the store can't be read.
        """
        ...
