"""Plans: what people do with the token plans of accounts.

Everything that is paid from the balance, or ends a term before its time, is done inside `with_leases_home`, so that
nothing of the account's money and credits is out with workers.
"""

from typing import Literal, Protocol

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.entry_reading import hint
from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.ids import AccountId, new_allowance_id, new_subscription_id
from setaria.core.money import decimal_from_nano
from setaria.core.price_entries import Period
from setaria.domain.accounts.keys import key_secrets_from_ring, make_key
from setaria.domain.accounts.records import Account, Key
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import take_out
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.ports import OfferBook, SubscriptionBook
from setaria.domain.plans.subscriptions import Subscription, Upgrade, begin, end, price_upgrade, renew, restart
from setaria.domain.plans.terms import Term
from setaria.management.accounts import find_account, find_open_account
from setaria.management.books import MoneyBooks
from setaria.management.entries import OPERATOR, Payment, add_entry
from setaria.management.purses import lock_cash

PaidBy = Literal["balance", "free"]

_KEY_NAME = "plan"


class PlanBooks(MoneyBooks, Protocol):
    """The books of plans beside those of money."""

    @property
    def offers(self) -> OfferBook:
        """The plans that are sold."""
        ...

    @property
    def subscriptions(self) -> SubscriptionBook:
        """Those that were bought."""
        ...


class Bought(msgspec.Struct, frozen=True):
    """A subscription as it is now, what was paid for that, and the credits that were added to make up for the old."""

    subscription: Subscription
    paid_nano: int
    compensation: int = 0


def subscribe(
    books: PlanBooks, account: str, tier: str, period: Period, paid_by: PaidBy
) -> tuple[Bought, tuple[Key, str]]:
    """Buy a plan for an account, valid from now on.

    Gives: the subscription, and its key with the text, which nobody can tell again later.
    Raises: NotFound when there is no such account or plan; InvalidRequest when it has a plan already, the balance does
    not cover the price, or the account is closed.
    """
    owner = find_open_account(books.accounts, account)
    offer = find_offer(books, tier, period)
    now_ms = books.clock.now_ms()
    held = books.subscriptions.lock_subscriptions(owner.id)
    for each in held:
        if each.state_at(now_ms) == "active":
            raise InvalidRequest(
                f"the account {owner.id} has the plan {each.last.offer.tier} until {_last_moment(each)}; "
                "upgrade it, or renew it"
            )
        _revoke_keys(books, each)
    value_nano = offer.price_nano if paid_by == "balance" else 0
    subscription = begin(new_subscription_id(), owner.id, offer, now_ms, value_nano)
    _pay(books, owner, subscription.id, value_nano)
    books.subscriptions.add_subscription(subscription)
    _grant(books, subscription, subscription.last)
    return Bought(subscription, value_nano), _add_key(books, subscription)


def renew_plan(books: PlanBooks, account: str, paid_by: PaidBy, actor: str = OPERATOR) -> Bought:
    """Buy an account's plan for another term, as it is sold now; one that is over begins anew.

    Raises: NotFound when there is no such account or it has no plan; InvalidRequest when it is renewed already, its
    plan is no longer sold, or the balance does not cover the price.
    """
    owner = find_open_account(books.accounts, account)
    now_ms = books.clock.now_ms()
    held = _find(books, owner)
    _check_not_renewed(held, now_ms)
    offer = find_offer(books, held.last.offer.tier, held.last.offer.period)
    value_nano = offer.price_nano if paid_by == "balance" else 0
    renewed = renew(held, offer, now_ms, value_nano)
    _pay(books, owner, held.id, value_nano, actor)
    return _put(books, renewed, Bought(renewed, value_nano), actor)


def restart_plan(books: PlanBooks, account: str, paid_by: PaidBy) -> Bought:
    """Buy an account's plan anew from now on, as for one that is used up; what is left of the old term is lost.

    Raises: as `renew_plan`: a term that is paid ahead is not lost with it.
    """
    owner = find_open_account(books.accounts, account)
    now_ms = books.clock.now_ms()
    held = _find(books, owner)
    _check_not_renewed(held, now_ms)
    offer = find_offer(books, held.last.offer.tier, held.last.offer.period)
    value_nano = offer.price_nano if paid_by == "balance" else 0
    renewed = restart(held, offer, now_ms, value_nano)
    _pay(books, owner, held.id, value_nano)
    _expire(books, held, "a new term began")
    return _put(books, renewed, Bought(renewed, value_nano))


def upgrade_plan(books: PlanBooks, account: str, tier: str, period: Period | None, paid_by: PaidBy) -> Bought:
    """Change an account's plan to a higher one, which begins now; what is left of the old one counts towards its price.

    The key stays. Where the old plan is worth more than the new one costs, credits are added for the rest.
    Takes: period; None for that of the old plan; paid_by, `free` to charge nothing.
    Raises: NotFound when there is no such account or plan; InvalidRequest when the account has no plan that is valid,
    the new one is not higher, or the balance does not cover the difference.
    """
    owner = find_open_account(books.accounts, account)
    now_ms = books.clock.now_ms()
    held = _find(books, owner)
    term = held.term_at(now_ms)
    if term is None:
        raise InvalidRequest(f"the plan of the account {owner.id} ended at {_last_moment(held)}; renew it first")
    offer = find_offer(books, tier, period or term.offer.period)
    if offer.level <= term.offer.level:
        raise InvalidRequest(
            f"the plan {offer.tier} for a {offer.period} is not above {term.offer.tier} for a {term.offer.period}; "
            "an upgrade goes to more credits a month, or from a month to a year"
        )
    upgrade = _price_upgrade(books, held, offer)
    value_nano = offer.price_nano
    if paid_by == "free":
        value_nano = max(offer.price_nano - upgrade.pay_nano, 0)
        upgrade = msgspec.structs.replace(upgrade, pay_nano=0)
    changed = restart(held, offer, now_ms, value_nano)
    _pay(books, owner, held.id, upgrade.pay_nano)
    _expire(books, held, f"upgraded to {offer.tier}")
    return _put(books, changed, Bought(changed, upgrade.pay_nano, upgrade.compensation))


def set_renewal(books: PlanBooks, account: str, *, renews: bool) -> Subscription:
    """Say whether an account's plan is renewed from the balance when it ends; without, it just ends.

    Raises: NotFound when there is no such account, or it has no plan that is valid.
    """
    owner = find_open_account(books.accounts, account)
    held = _find(books, owner)
    if held.state_at(books.clock.now_ms()) != "active":
        raise NotFound(f"the plan of the account {owner.id} is over; renew it: setaria plans renew {owner.id}")
    changed = msgspec.structs.replace(held, renews=renews)
    books.subscriptions.change_subscription(changed)
    return changed


def end_plan(books: PlanBooks, account: str) -> Subscription:
    """End an account's plan at once; nothing is paid back, and its key is revoked.

    Raises: NotFound when there is no such account or it has no plan.
    """
    held = _find(books, find_account(books.accounts, account))
    ended = end(held, books.clock.now_ms())
    _expire(books, held, "given up")
    _revoke_keys(books, ended)
    books.subscriptions.change_subscription(ended)
    return ended


def reset_key(books: PlanBooks, account: str) -> tuple[Key, str]:
    """Make a new key for an account's plan; the old one is no longer taken within a second.

    Raises: NotFound when there is no such account or it has no plan.
    """
    held = _find(books, find_open_account(books.accounts, account))
    _revoke_keys(books, held)
    return _add_key(books, held)


def find_plan(books: PlanBooks, account: str) -> Subscription | None:
    """Give the plan that an account had last, whether it is over or not; None when it never had one.

    Raises: NotFound when there is no such account.
    """
    held = books.subscriptions.list_subscriptions(find_account(books.accounts, account).id)
    return held[-1] if held else None


def find_offer(books: PlanBooks, tier: str, period: Period) -> Offer:
    """Give a plan that is sold.

    Raises: NotFound when there is none.
    """
    offers = books.offers.read_offers()
    for offer in offers:
        if (offer.tier, offer.period) == (tier, period):
            return offer
    others = [offer.period for offer in offers if offer.tier == tier]
    if others:
        raise NotFound(f"the plan {tier} is not sold for a {period}, only for a {others[0]}")
    raise NotFound(f"there is no plan {tier[:100]!r}{hint(tier, {offer.tier for offer in offers})}")


def _price_upgrade(books: PlanBooks, held: Subscription, offer: Offer) -> Upgrade:
    now_ms = books.clock.now_ms()
    terms = tuple(term for term in held.terms if term.ends_at_ms > now_ms)
    rows = {row.period: row for row in _lock_credits(books, held)}
    current = rows[terms[0].starts_at_ms]
    return price_upgrade(terms, max(current.available, 0), offer)


def _find(books: PlanBooks, owner: Account) -> Subscription:
    held = books.subscriptions.lock_subscriptions(owner.id)
    if not held or held[-1].has_ended:
        raise NotFound(f"the account {owner.id} has no plan; buy one: setaria plans subscribe {owner.id} TIER")
    return held[-1]


def _check_not_renewed(held: Subscription, now_ms: int) -> None:
    if held.last.starts_at_ms > now_ms:
        raise InvalidRequest(
            f"the plan of the account {held.account_id} is renewed already, until {_last_moment(held)}"
        )


def _put(books: PlanBooks, changed: Subscription, bought: Bought, actor: str = OPERATOR) -> Bought:
    books.subscriptions.change_subscription(changed)
    _grant(books, changed, changed.last, bought.compensation, actor)
    return bought


def _pay(books: PlanBooks, owner: Account, subscription_id: str, amount_nano: int, actor: str = OPERATOR) -> None:
    """Take the price of a plan out of the cash; gifts are for calls only."""
    if amount_nano == 0:
        return
    cash = lock_cash(books, owner.id)
    currency = books.prices.read_prices().currency
    if owner.billing == "prepaid" and (cash.available < amount_nano or cash.debt):
        raise InvalidRequest(
            f"the account {owner.id} has {decimal_from_nano(cash.available - cash.debt)} {currency} of cash, the plan "
            f"costs {decimal_from_nano(amount_nano)} {currency}; top it up, or give the plan for free with --free"
        )
    books.purses.change_allowance(take_out(cash, amount_nano))
    add_entry(books, cash, "purchase", Payment(-amount_nano, actor=actor, reference=subscription_id))


def _grant(
    books: PlanBooks, subscription: Subscription, term: Term, compensation: int = 0, actor: str = OPERATOR
) -> None:
    """Make the credits of a term."""
    granted = term.offer.credits + compensation
    row = Allowance(
        id=new_allowance_id(),
        account_id=subscription.account_id,
        kind="plan",
        scope=subscription.id,
        period=term.starts_at_ms,
        available=granted,
        granted=granted,
        spent=0,
        debt=0,
        ends_at_ms=term.ends_at_ms,
    )
    books.purses.add_allowance(row)
    add_entry(books, row, "grant", Payment(term.offer.credits, term.offer.tier, actor, subscription.id))
    if compensation:
        add_entry(books, row, "compensation", Payment(compensation, term.offer.tier, actor, subscription.id))


def _expire(books: PlanBooks, held: Subscription, reason: str) -> None:
    """Take back the credits of terms that are not over: they end before their time."""
    now_ms = books.clock.now_ms()
    for row in _lock_credits(books, held):
        if row.ends_at_ms is None or row.ends_at_ms <= now_ms:
            continue
        left = max(row.available, 0)
        ended = msgspec.structs.replace(take_out(row, left), ends_at_ms=max(now_ms, row.period))
        books.purses.change_allowance(ended)
        if left:
            add_entry(books, row, "expire", Payment(-left, reason, reference=held.id))


def _lock_credits(books: PlanBooks, held: Subscription) -> list[Allowance]:
    return [row for row in books.purses.lock_allowances(held.account_id, ("plan",)) if row.scope == held.id]


def _add_key(books: PlanBooks, subscription: Subscription) -> tuple[Key, str]:
    secrets = key_secrets_from_ring(books.ring)
    key, text = make_key(secrets, subscription.account_id, _KEY_NAME, books.clock.now_ms(), "plan")
    key = msgspec.structs.replace(key, subscription_id=subscription.id)
    books.keys.add_key(key)
    return key, text


def _revoke_keys(books: PlanBooks, subscription: Subscription) -> None:
    """Revoke the keys of a subscription; it has one that is good at most."""
    for key in plan_keys(books, subscription.account_id, subscription.id):
        books.keys.change_key(msgspec.structs.replace(key, revoked_at_ms=books.clock.now_ms()))


def plan_keys(books: PlanBooks, account_id: AccountId, subscription_id: str) -> list[Key]:
    """Give the keys of a subscription that are not revoked."""
    return [
        key
        for key in books.keys.list_keys(account_id)
        if key.subscription_id == subscription_id and key.revoked_at_ms is None
    ]


def _last_moment(subscription: Subscription) -> str:
    return iso_from_ms(subscription.last.ends_at_ms - 1)
