"""Ports: what plans need from outside."""

from typing import Protocol

from setaria.core.ids import AccountId
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
