"""Alerts: raises what owners of plans should know, and sends it where the operator wants it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from setaria.core.clock import Clock, iso_from_ms
from setaria.core.ids import new_alert_id
from setaria.domain.accounts.records import Account
from setaria.domain.plans.alerts import Alert, AlertKind, ending_level, used_level
from setaria.domain.plans.ports import AlertBook
from setaria.domain.plans.windows import window_scope
from setaria.management.plan_statement import PlanStatement, show_subscription
from setaria.management.plans import PlanBooks

FAR_MS = 2**62
_TRIED_FOR_MS = 86_400_000


class AlertBooks(PlanBooks, Protocol):
    """The books of plans with their alerts."""

    @property
    def alerts(self) -> AlertBook:
        """The alerts."""
        ...


class Sender(Protocol):
    """One way by which alerts reach people."""

    def send(self, alert: Alert, account: Account, text: str) -> str:
        """Send one; gives what went wrong, empty when nothing did."""
        ...


Begin = Callable[[], AbstractContextManager[AlertBooks]]


def raise_alerts(begin: Begin, clock: Clock) -> int:
    """Raise the alerts of all plans that are due, each once for its level and window; gives how many are new."""
    with begin() as books:
        active = books.subscriptions.list_ending(clock.now_ms() + 1, FAR_MS)
    count = 0
    for held in active:  # each in a transaction of its own: they are many
        with begin() as books:
            statement = show_subscription(books, held)
            count += sum(books.alerts.add_alert(alert) for alert in _due_alerts(statement, clock.now_ms()))
    return count


def send_alerts(begin: Begin, clock: Clock, senders: Sequence[Sender]) -> list[str]:
    """Send the alerts that are not sent yet, tried again for a day; gives what went wrong.

    Each is marked before it is sent, so that no other node sends it too, and the mark is taken away when it failed. One
    that a process dies over is not sent any more, but still shown.
    """
    now_ms = clock.now_ms()
    with begin() as books:
        unsent = books.alerts.list_unsent(now_ms - _TRIED_FOR_MS)
        owners = {account.id: account for account in books.accounts.list_accounts()} if unsent else {}
    problems: list[str] = []
    for alert in unsent:
        with begin() as books:
            if not books.alerts.take_to_send(alert, clock.now_ms()):
                continue
        found = [sender.send(alert, owners[alert.account_id], describe_alert(alert)) for sender in senders]
        problems += [problem for problem in found if problem]
        if any(found):
            with begin() as books:
                books.alerts.leave_unsent(alert)
    return problems


def new_alert(statement: PlanStatement, now_ms: int, kind: AlertKind, subject: str, level: int) -> Alert:
    """Make an alert about an account's plan."""
    return Alert(new_alert_id(), statement.subscription.account_id, now_ms, kind, subject, level)


def describe_alert(alert: Alert) -> str:
    """Say an alert in a sentence."""
    match alert.kind:
        case "plan_used":
            return f"{alert.level} percent of the plan's credits are used."
        case "window_used":
            return f"{alert.level} percent of the credits of a window of the plan are used."
        case "plan_ends":
            days = {0: "today", 2: "in two days"}.get(alert.level, f"in {alert.level} days")
            return f"The plan ends {days}."
        case "not_renewed":
            return "The plan could not be renewed from the balance; top it up, it is tried again until the plan ends."


def term_subject(statement: PlanStatement) -> str:
    """Name the term that an alert is about."""
    return f"{statement.subscription.id}/{statement.term.starts_at_ms}"


def _due_alerts(statement: PlanStatement, now_ms: int) -> Iterator[Alert]:
    held, term = statement.subscription, statement.term
    level = used_level(statement.used, statement.granted)
    if level is not None:
        yield new_alert(statement, now_ms, "plan_used", term_subject(statement), level)
    for number, state in enumerate(statement.windows):
        level = used_level(state.used, state.window.credits)
        if level is not None and state.resets_at_ms is not None:
            subject = f"{window_scope(held.id, term, number)} to {iso_from_ms(state.resets_at_ms)}"
            yield new_alert(statement, now_ms, "window_used", subject, level)
    if term == held.last:  # not where the next one is paid already
        level = ending_level(term.ends_at_ms, now_ms, renews=held.renews)
        if level is not None:
            yield new_alert(statement, now_ms, "plan_ends", term_subject(statement), level)
