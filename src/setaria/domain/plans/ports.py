"""Ports: what plans need from outside."""

from typing import Protocol

from setaria.domain.plans.offers import Offer


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
