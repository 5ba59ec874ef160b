"""Subscriptions: implements the port SubscriptionBook within one transaction."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, insert, select, update

from setaria.adapters.store.control.changes import count_change
from setaria.adapters.store.schema import subscriptions
from setaria.adapters.store.subscription_rows import BOUGHT, COLUMNS, ENDED, subscription_from_row
from setaria.core.ids import AccountId
from setaria.domain.plans.subscriptions import Subscription

_SELECT = select(*(subscriptions.c[name] for name in COLUMNS))


class SubscriptionTable:
    """Subscriptions, as people buy and give them up."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_subscription(self, subscription: Subscription) -> None:
        """Insert a new subscription, and count up the change counter."""
        self._connection.execute(insert(subscriptions).values(_values(subscription)))
        count_change(self._connection)

    def change_subscription(self, subscription: Subscription) -> None:
        """Write a subscription's new state in place of the old one, and count up the change counter."""
        self._connection.execute(
            update(subscriptions)
            .where(subscriptions.c.id == subscription.id, subscriptions.c.account_id == subscription.account_id)
            .values(_values(subscription))
        )
        count_change(self._connection)

    def list_subscriptions(self, account_id: AccountId) -> list[Subscription]:
        """List an account's subscriptions, oldest first."""
        return [subscription_from_row(row) for row in self._connection.execute(_of_account(account_id))]

    def lock_subscriptions(self, account_id: AccountId) -> list[Subscription]:
        """List them likewise; nobody else changes them until the transaction ends."""
        question = _of_account(account_id).with_for_update()
        return [subscription_from_row(row) for row in self._connection.execute(question)]

    def list_ending(self, from_ms: int, to_ms: int) -> list[Subscription]:
        """List the subscriptions whose last term ends with from_ms <= end < to_ms, and that were not given up."""
        question = _SELECT.where(
            subscriptions.c.ends_at_ms >= from_ms,
            subscriptions.c.ends_at_ms < to_ms,
            subscriptions.c.status != ENDED,
        ).order_by(subscriptions.c.ends_at_ms, subscriptions.c.id)
        return [subscription_from_row(row) for row in self._connection.execute(question)]


def _of_account(account_id: AccountId) -> Select[Any]:  # what SQL gives has no types
    mine = _SELECT.where(subscriptions.c.account_id == account_id)
    return mine.order_by(subscriptions.c.created_at_ms, subscriptions.c.id)


def _values(subscription: Subscription) -> dict[str, object]:
    return {
        "id": subscription.id,
        "account_id": subscription.account_id,
        "tier": subscription.last.offer.tier,
        "terms": msgspec.json.encode(subscription.terms).decode(),
        "status": ENDED if subscription.has_ended else BOUGHT,
        "anchor_day": subscription.anchor_day,
        "starts_at_ms": subscription.terms[0].starts_at_ms,
        "ends_at_ms": subscription.last.ends_at_ms,
        "renews": subscription.renews,
        "created_at_ms": subscription.created_at_ms,
    }
