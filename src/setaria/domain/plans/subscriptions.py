"""Subscriptions: an account's plan from its purchase to its end, as terms that follow on each other.

An account has one subscription at most that is not over, and keeps it: its id, and with it its key, lives on through
renewals and upgrades. What a call may use is the term that holds at its moment.

    state      what it is                               leaves it by
    active     a term holds now                         expiry; `end`
    expired    the last term is over                    `renew`, which begins anew
    ended      given up before its time                 nothing
"""

from typing import Literal

import msgspec

from setaria.core.ids import AccountId
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.terms import Term, anchor_day_of, first_end_ms, next_end_ms

State = Literal["active", "expired", "ended"]


class Subscription(msgspec.Struct, frozen=True):
    """A plan that an account has or had; the terms are in order and never overlap.

    `renews`: when it ends it is renewed from the balance. `anchor_day` is the day of the month that renewals keep.
    """

    id: str
    account_id: AccountId
    anchor_day: int
    terms: tuple[Term, ...]
    renews: bool
    created_at_ms: int
    has_ended: bool = False

    @property
    def last(self) -> Term:
        """The term that was bought last."""
        return self.terms[-1]

    def term_at(self, now_ms: int) -> Term | None:
        """Give the term that holds at a moment; None before the first and after the last."""
        return next((term for term in self.terms if term.starts_at_ms <= now_ms < term.ends_at_ms), None)

    def state_at(self, now_ms: int) -> State:
        """Tell the state at a moment."""
        if self.has_ended:
            return "ended"
        return "expired" if now_ms >= self.last.ends_at_ms else "active"


class Upgrade(msgspec.Struct, frozen=True):
    """What an upgrade costs, and the credits that make up for what the old plan was worth beyond that."""

    pay_nano: int
    compensation: int


def begin(subscription_id: str, account_id: AccountId, offer: Offer, now_ms: int, value_nano: int) -> Subscription:
    """Begin a subscription, valid from now to the end of the day a month or a year later."""
    term = Term(offer, now_ms, first_end_ms(now_ms, offer.months), value_nano)
    return Subscription(subscription_id, account_id, anchor_day_of(now_ms), (term,), renews=False, created_at_ms=now_ms)


def renew(subscription: Subscription, offer: Offer, now_ms: int, value_nano: int) -> Subscription:
    """Add a term: on the end of the last one, or when that is over from now on."""
    last = subscription.last
    if now_ms >= last.ends_at_ms:
        return restart(subscription, offer, now_ms, value_nano)
    ends_at_ms = next_end_ms(last.ends_at_ms, offer.months, subscription.anchor_day)
    term = Term(offer, last.ends_at_ms, ends_at_ms, value_nano)
    return msgspec.structs.replace(subscription, terms=(*_unended(subscription, now_ms), term))


def restart(subscription: Subscription, offer: Offer, now_ms: int, value_nano: int) -> Subscription:
    """Begin a term now; those that are not over end."""
    over = tuple(
        msgspec.structs.replace(term, ends_at_ms=min(term.ends_at_ms, now_ms))
        for term in subscription.terms
        if term.starts_at_ms < now_ms
    )
    term = Term(offer, now_ms, first_end_ms(now_ms, offer.months), value_nano)
    return msgspec.structs.replace(subscription, anchor_day=anchor_day_of(now_ms), terms=(*over[-1:], term))


def end(subscription: Subscription, now_ms: int) -> Subscription:
    """End a subscription for good."""
    terms = tuple(
        msgspec.structs.replace(term, ends_at_ms=min(term.ends_at_ms, now_ms))
        for term in subscription.terms
        if term.starts_at_ms <= now_ms
    )
    return msgspec.structs.replace(subscription, terms=terms, renews=False, has_ended=True)


def price_upgrade(terms: tuple[Term, ...], left: int, offer: Offer) -> Upgrade:
    """Tell what it costs to change to a higher plan, by what the credits that are left are worth.

    Takes: terms, the one that holds and those that are paid ahead, whose credits are all left; left, the credits of the
    first that are not used, those of compensations among them.
    Worked: Lite at $6 with half of its credits left is worth $3; Standard at $16 costs $13. Pro for a year, of which
    $500 are left, to Max for a month at $100: nothing to pay, and for the other $400 four months' credits of Max.
    """
    current, *ahead = terms
    worth_nano = _divide(current.value_nano * left, current.offer.credits) + sum(term.value_nano for term in ahead)
    beyond_nano = worth_nano - offer.price_nano
    if beyond_nano <= 0:
        return Upgrade(-beyond_nano, 0)
    return Upgrade(0, _divide(beyond_nano * offer.credits, offer.price_nano) if offer.price_nano else 0)


def _unended(subscription: Subscription, now_ms: int) -> tuple[Term, ...]:
    return tuple(term for term in subscription.terms if term.ends_at_ms > now_ms)


def _divide(dividend: int, divisor: int) -> int:
    """Divide and round half up."""
    return (2 * dividend + divisor) // (2 * divisor)
