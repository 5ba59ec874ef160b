"""Recall: calls the leases of an account home before an action that needs its money to be in one place.

Theory. While calls run, part of an account's money is leased to workers. A recall is a row that every worker sees
within a second: from then on none admits a call of the account on money, and each gives back what is idle. When nothing
is out any more, the action and the end of the recall are one transaction. Nobody waits for ever: after `PATIENCE_S`
the recall ends and nothing was changed, and a recall whose beginner has died stands no longer than `RECALL_LIFE_MS`.
Workers that were not seen for `SWEEP_S` are given up before that: where no server runs, nobody else does it. That
comes last, for after an outage of the database those that live need a moment to be seen again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from setaria.core.clock import BlockingClock
from setaria.core.errors import InvalidRequest, Unavailable
from setaria.core.ids import AccountId
from setaria.domain.ledger.leases import SWEEP_S
from setaria.domain.ledger.purses import Held
from setaria.management.accounts import find_open_account
from setaria.management.books import MoneyBooks

PATIENCE_S = 5.0
POLL_S = 0.1

B = TypeVar("B", bound=MoneyBooks)
T = TypeVar("T")


def with_leases_home(
    open_books: Callable[[], AbstractContextManager[B]], clock: BlockingClock, account: str, act: Callable[[B], T]
) -> T:
    """Do an action on an account, given by its id or name, while no worker holds any of its money or credits.

    Takes: open_books, which opens a transaction; act, which is done in the one that ends the recall.
    Raises: what `act` raises; NotFound when there is no such account; InvalidRequest when it is closed or another such
    action is under way; Unavailable when calls under way did not end in time. Then nothing was changed.
    """
    return _recall(open_books, clock, account, act, lambda held: not held.workers)


def with_calls_drained(
    open_books: Callable[[], AbstractContextManager[B]], clock: BlockingClock, account: str, act: Callable[[B], T]
) -> T:
    """Do an action on an account likewise, while no call of it is under way either, whoever pays for it.

    Calls of a postpaid account without limits hold nothing, so nobody sees them; they are not waited for.
    Takes, Raises: as `with_leases_home`.
    """
    return _recall(open_books, clock, account, act, lambda held: not held.workers and not held.calls)


def _recall(
    open_books: Callable[[], AbstractContextManager[B]],
    clock: BlockingClock,
    account: str,
    act: Callable[[B], T],
    is_home: Callable[[Held], bool],
) -> T:
    with open_books() as books:
        account_id = find_open_account(books.accounts, account).id
        if not books.recalls.begin_recall(account_id):
            raise InvalidRequest(
                f"another action calls the money of the account {account_id} home; try again when it is done"
            )
    is_over = False
    try:
        outcome = _act_when_home(open_books, clock, account_id, act, is_home)
        is_over = True
    finally:
        if not is_over:
            with open_books() as books:
                books.recalls.end_recall(account_id)
    return outcome


def _act_when_home(
    open_books: Callable[[], AbstractContextManager[B]],
    clock: BlockingClock,
    account_id: AccountId,
    act: Callable[[B], T],
    is_home: Callable[[Held], bool],
) -> T:
    deadline_s = clock.monotonic_s() + PATIENCE_S
    while True:
        is_late = clock.monotonic_s() >= deadline_s
        if is_late:
            with open_books() as books:
                books.recalls.sweep(SWEEP_S)
        with open_books() as books:
            held = books.recalls.count_held(account_id)
            if is_home(held):
                outcome = act(books)
                books.recalls.end_recall(account_id)
                return outcome
        if is_late:
            raise Unavailable(_why(account_id, held))
        clock.pause(POLL_S)


def _why(account_id: AccountId, held: Held) -> str:
    calls = f"{held.calls} calls of the account {account_id} are under way"
    holders = f"{held.workers} workers still hold money of the account {account_id}"
    return (
        f"{calls if held.calls else holders}; nothing was changed; try again when they are done, "
        f"or, if their server has died, {SWEEP_S} seconds after that"
    )
