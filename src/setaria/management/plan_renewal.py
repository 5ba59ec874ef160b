"""Plan renewal: renews by itself, from the balance, the plans whose owners want that."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from setaria.core.clock import BlockingClock
from setaria.core.errors import SetariaError
from setaria.domain.plans.subscriptions import Subscription
from setaria.management.alerts import AlertBooks, new_alert, term_subject
from setaria.management.plan_statement import show_subscription
from setaria.management.plans import renew_plan
from setaria.management.recall import with_leases_home

AHEAD_MS = 86_400_000
_ACTOR = "system"
_REFUSED = 0

Begin = Callable[[], AbstractContextManager[AlertBooks]]


def renew_due(begin: Begin, clock: BlockingClock) -> tuple[int, list[str]]:
    """Renew the plans that end within a day; what can't be paid is told once and tried again until the end.

    Gives: how many were renewed, and why others were not.
    """
    now_ms = clock.now_ms()
    with begin() as books:
        due = [held for held in books.subscriptions.list_ending(now_ms + 1, now_ms + AHEAD_MS) if held.renews]
    renewed = 0
    problems: list[str] = []
    for held in due:
        try:
            renewed += with_leases_home(begin, clock, held.account_id, partial(_renew, held=held))
        except SetariaError as error:
            problems.append(error.message)
            with begin() as books:
                statement = show_subscription(books, held)
                alert = new_alert(statement, clock.now_ms(), "not_renewed", term_subject(statement), _REFUSED)
                books.alerts.add_alert(alert)
    return renewed, problems


def _renew(books: AlertBooks, *, held: Subscription) -> bool:
    """Renew a plan, unless its owner has done something about it meanwhile."""
    if held not in books.subscriptions.lock_subscriptions(held.account_id):
        return False
    renew_plan(books, held.account_id, "balance", _ACTOR)
    return True
