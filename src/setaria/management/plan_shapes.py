"""Plan shapes: what subscriptions look like as JSON, wherever they are shown.

Credits are decimal strings with the unit `credits`, shares are percent as whole numbers, rounded down.
"""

from collections.abc import Mapping, Sequence

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.money import decimal_from_nano
from setaria.core.protocol import ProtocolName
from setaria.domain.accounts.records import Key
from setaria.domain.plans.alerts import Alert
from setaria.domain.plans.subscriptions import Subscription
from setaria.management.alerts import describe_alert
from setaria.management.plan_statement import PlanStatement, WindowState
from setaria.management.plans import Bought
from setaria.management.price_shapes import credits_from_milli

_FULL = 100


class TermShape(msgspec.Struct, frozen=True):
    """A time that is paid for; `ends_at` is its last moment."""

    tier: str
    period: str
    credits: str
    starts_at: str
    ends_at: str


class SubscriptionShape(msgspec.Struct, frozen=True):
    """A subscription; `key` is the text of its key where that was just made, `paid` what was just paid for it."""

    id: str
    account: str
    tier: str
    period: str
    ends_at: str
    auto_renew: bool
    terms: list[TermShape]
    paid: str
    currency: str
    compensation: str
    key_id: str | None = None
    key: str | None = None


class UsedShape(msgspec.Struct, frozen=True):
    """What of a limit is used; `resets_at` is null where nothing is counted yet."""

    name: str
    used: str
    limit: str
    unit: str
    percent: int
    resets_at: str | None


class AlertShape(msgspec.Struct, frozen=True):
    """An alert; `sent_at` is null while it is not sent."""

    id: str
    at: str
    kind: str
    level: int
    message: str
    sent_at: str | None


class PlanShape(msgspec.Struct, frozen=True):
    """A plan as it stands; `ends_at` is its last moment."""

    id: str
    account: str
    state: str
    tier: str
    name: str
    period: str
    starts_at: str
    ends_at: str
    auto_renew: bool
    credits: UsedShape
    left: str
    windows: list[UsedShape]
    models: tuple[str, ...]
    key_last4: str | None
    terms: list[TermShape]
    alerts: list[AlertShape]


class QuotaShape(msgspec.Struct, frozen=True):
    """A plan as programs see it that have its key; `expires_at` is the last moment of what is paid for."""

    id: str
    plan: str
    name: str
    state: str
    expires_at: str
    auto_renew: bool
    credits: UsedShape
    left: str
    windows: list[UsedShape]
    key: str
    base_urls: Mapping[ProtocolName, str]


def shape_quota(statement: PlanStatement, key_last4: str, base_urls: Mapping[ProtocolName, str]) -> QuotaShape:
    """Shape a plan for the program that asks with its key."""
    held, term = statement.subscription, statement.term
    return QuotaShape(
        id=held.id,
        plan=term.offer.tier,
        name=term.offer.name,
        state=statement.state,
        expires_at=_last_moment(held.last.ends_at_ms),
        auto_renew=held.renews,
        credits=_shape_used("plan", statement.used, statement.granted, _last_moment(term.ends_at_ms)),
        left=credits_from_milli(statement.left),
        windows=[_shape_window(each) for each in statement.windows],
        key=f"tp-...{key_last4}",
        base_urls=base_urls,
    )


def shape_bought(bought: Bought, currency: str, key: tuple[Key, str] | None = None) -> SubscriptionShape:
    """Shape a subscription that was just bought or changed."""
    return _shape(bought.subscription, bought, currency, key)


def shape_subscription(subscription: Subscription, currency: str) -> SubscriptionShape:
    """Shape a subscription for which nothing was paid just now."""
    return _shape(subscription, Bought(subscription, 0), currency, None)


def shape_plan(statement: PlanStatement, alerts: Sequence[Alert]) -> PlanShape:
    """Shape a plan as it stands."""
    held, term = statement.subscription, statement.term
    ends_at = _last_moment(held.last.ends_at_ms)
    return PlanShape(
        id=held.id,
        account=held.account_id,
        state=statement.state,
        tier=term.offer.tier,
        name=term.offer.name,
        period=term.offer.period,
        starts_at=iso_from_ms(term.starts_at_ms),
        ends_at=ends_at,
        auto_renew=held.renews,
        credits=_shape_used("plan", statement.used, statement.granted, _last_moment(term.ends_at_ms)),
        left=credits_from_milli(statement.left),
        windows=[_shape_window(each) for each in statement.windows],
        models=term.offer.models,
        key_last4=None if statement.key is None else statement.key.last4,
        terms=_terms(held),
        alerts=[_shape_alert(each) for each in alerts],
    )


def _shape(held: Subscription, bought: Bought, currency: str, key: tuple[Key, str] | None) -> SubscriptionShape:
    return SubscriptionShape(
        id=held.id,
        account=held.account_id,
        tier=held.last.offer.tier,
        period=held.last.offer.period,
        ends_at=_last_moment(held.last.ends_at_ms),
        auto_renew=held.renews,
        terms=_terms(held),
        paid=decimal_from_nano(bought.paid_nano),
        currency=currency,
        compensation=credits_from_milli(bought.compensation),
        key_id=None if key is None else key[0].id,
        key=None if key is None else key[1],
    )


def _terms(held: Subscription) -> list[TermShape]:
    return [
        TermShape(
            term.offer.tier,
            term.offer.period,
            credits_from_milli(term.offer.credits),
            iso_from_ms(term.starts_at_ms),
            _last_moment(term.ends_at_ms),
        )
        for term in held.terms
    ]


def _shape_alert(alert: Alert) -> AlertShape:
    sent_at = None if alert.sent_at_ms is None else iso_from_ms(alert.sent_at_ms)
    return AlertShape(alert.id, iso_from_ms(alert.at_ms), alert.kind, alert.level, describe_alert(alert), sent_at)


def _shape_window(state: WindowState) -> UsedShape:
    times = state.window.times
    name = f"{times.length} {times.kind}" + (f" {times.zone}" if times.kind == "calendar" else "")
    resets_at = None if state.resets_at_ms is None else iso_from_ms(state.resets_at_ms)
    return _shape_used(name, state.used, state.window.credits, resets_at)


def _shape_used(name: str, used: int, limit: int, resets_at: str | None) -> UsedShape:
    percent = min(_FULL * used // limit, _FULL) if limit else 0
    return UsedShape(name, credits_from_milli(used), credits_from_milli(limit), "credits", percent, resets_at)


def _last_moment(ends_at_ms: int) -> str:
    return iso_from_ms(ends_at_ms - 1)
