"""Plan statement: what an account's plan has left, in all and in each of its windows."""

from collections.abc import Iterable, Sequence

import msgspec

from setaria.core.windows import span_at
from setaria.domain.accounts.records import Key
from setaria.domain.ledger.purses import Purse, is_over
from setaria.domain.plans.offers import Window
from setaria.domain.plans.subscriptions import State, Subscription
from setaria.domain.plans.terms import Term
from setaria.domain.plans.windows import window_scope
from setaria.management.plans import PlanBooks, find_plan, plan_keys


class WindowState(msgspec.Struct, frozen=True):
    """What of a window is used, in milli-credits; `resets_at_ms` is None where no call has opened a rolling one."""

    window: Window
    used: int
    resets_at_ms: int | None


class PlanStatement(msgspec.Struct, frozen=True):
    """A plan as it stands, in milli-credits; `term` is the one that holds, or else the last one."""

    subscription: Subscription
    state: State
    term: Term
    granted: int
    used: int
    windows: tuple[WindowState, ...]
    key: Key | None

    @property
    def left(self) -> int:
        """What is not used."""
        return max(self.granted - self.used, 0)


def show_plan(books: PlanBooks, account: str) -> PlanStatement | None:
    """Show the plan that an account has, or had last; None when it never had one.

    Raises: NotFound when there is no such account.
    """
    held = find_plan(books, account)
    if held is None:
        return None
    return show_subscription(books, held)


def show_subscription(books: PlanBooks, held: Subscription) -> PlanStatement:
    """Show how a subscription stands."""
    now_ms = books.clock.now_ms()
    keys = plan_keys(books, held.account_id, held.id)
    term = held.term_at(now_ms) or held.last
    purses = books.purses.list_purses(held.account_id, ("plan", "window"), term.starts_at_ms)
    return state_plan(held, purses, keys, now_ms)


def state_plan(subscription: Subscription, purses: Sequence[Purse], keys: Sequence[Key], now_ms: int) -> PlanStatement:
    """Put together how a plan stands.

    Takes: purses, the account's plans and windows.
    """
    term = subscription.term_at(now_ms) or subscription.last
    plan = [
        purse
        for purse in purses
        if (purse.allowance.kind, purse.allowance.scope, purse.allowance.period)
        == ("plan", subscription.id, term.starts_at_ms)
    ]
    return PlanStatement(
        subscription=subscription,
        state=subscription.state_at(now_ms),
        term=term,
        granted=sum(_granted(purse, term, now_ms) for purse in plan),
        used=sum(map(_used, plan)),
        windows=tuple(
            _state_window(window, window_scope(subscription.id, term, number), purses, now_ms)
            for number, window in enumerate(term.offer.windows)
        ),
        key=keys[-1] if keys else None,
    )


def _state_window(window: Window, scope: str, purses: Iterable[Purse], now_ms: int) -> WindowState:
    for purse in purses:
        row = purse.allowance
        is_open = row.ends_at_ms is not None and row.period <= now_ms < row.ends_at_ms
        if (row.kind, row.scope, is_open) == ("window", scope, True):
            return WindowState(window, _used(purse), row.ends_at_ms)
    is_calendar = window.times.kind == "calendar"
    return WindowState(window, 0, span_at(window.times, now_ms).end_ms if is_calendar else None)


def _granted(purse: Purse, term: Term, now_ms: int) -> int:
    """Tell what a term granted; of one that has ended the books have only what was used."""
    granted = purse.allowance.granted
    return max(granted, term.offer.credits) if is_over(purse.allowance, now_ms) else granted


def _used(purse: Purse) -> int:
    """Tell what calls have taken; what is held for calls under way is not used yet."""
    return max(purse.allowance.granted - purse.left_nano + purse.allowance.debt, 0)
