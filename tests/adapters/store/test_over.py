"""Contract of what has ended, in the control plane's store, on both engines; and its keeping, while workers trade."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.bootstrap.record_books import Books, make_books
from setaria.core.clock import SystemClock
from setaria.core.ids import AccountId
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.records import Account
from setaria.domain.catalog.added import Fixed
from setaria.domain.ledger.allowances import Allowance, Entry
from setaria.domain.ledger.proof import prove
from setaria.management.purse_keeping import Kept, expire, keep_purses
from tests.adapters.store.samples import ACCOUNT, AT_MS

OTHER = Account(AccountId("acct_2"), "other", "active", AT_MS)
LATER_MS = 2 * AT_MS
ROWS = (
    Allowance("al_0", ACCOUNT.id, "gift", "e0", 0, 4, 6, 2, 0, AT_MS - 1),
    Allowance("al_1", ACCOUNT.id, "cash", "", 0, 10, 10, 0, 0),
    Allowance("al_2", ACCOUNT.id, "gift", "e2", 0, 0, 3, 5, 2, AT_MS - 1),
    Allowance("al_3", ACCOUNT.id, "gift", "e3", 0, 9, 9, 0, 0, LATER_MS),
    Allowance("al_4", ACCOUNT.id, "gift", "e4", 0, 9, 9, 0, 0),
    Allowance("al_5", OTHER.id, "plan", "sub_1", 0, 70, 100, 30, 0, AT_MS - 1),
    Allowance("al_6", OTHER.id, "window", "sub_1/0/0", 0, 70, 100, 30, 0, AT_MS - 1),
    Allowance("al_7", OTHER.id, "cash", "", 0, 0, 0, 0, 0),
)


@pytest.fixture
def filled(control: ControlStore) -> ControlStore:
    """Give a store with two accounts, and what was granted to them."""
    with control.begin() as books:
        for account in (ACCOUNT, OTHER):
            books.add_account(account)
        for number, row in enumerate(ROWS):
            books.add_allowance(row)
            if row.kind != "window" and row.granted:
                books.add_entry(Entry(f"{number:032x}", AT_MS, row.account_id, row.id, "gift", row.granted, "x", ""))
    return control


def opener(control: ControlStore) -> Callable[[], AbstractContextManager[Books]]:
    """Give what opens the books of a store."""

    @contextmanager
    def begin() -> Iterator[Books]:
        with control.begin() as tables:
            yield make_books(tables, Fixed(), SystemClock(), SecretRing({"a": bytes(32)}))

    return begin


def test_what_has_ended_is_found(filled: ControlStore) -> None:
    """Gifts and terms whose end has passed and of which something is left: of one account, of all, at most so many."""
    with filled.begin() as books:
        assert books.lock_over(None, 10) == [ROWS[0], ROWS[5]]
        assert books.lock_over(None, 1) == [ROWS[0]]
        assert books.lock_over(OTHER.id, 10) == [ROWS[5]]
        assert books.list_debtors() == [ACCOUNT.id]


def test_all_purses_are_kept(filled: ControlStore) -> None:
    """Each that has ended has its entry, once; what a gift owes is paid; the books still prove themselves."""
    begin = opener(filled)
    assert [keep_purses(begin), keep_purses(begin)] == [Kept(2, 1), Kept(0, 0)]
    with filled.read() as books:
        proof = prove(books.read_books())
        assert [fault for fault in proof.faults if fault.rule in ("sum", "granted")] == []
        kinds = [(entry.allowance_id, entry.kind, entry.amount) for entry in books.read_entries(None, AT_MS + 1, None)]
        assert sorted(kinds) == [
            ("al_0", "expire", -4),
            ("al_1", "adjust", -2),
            ("al_2", "adjust", 2),
            ("al_5", "expire", -70),
        ]


def test_one_account_is_kept_by_its_actions(filled: ControlStore) -> None:
    """Only what is its own."""
    with filled.begin() as tables:
        assert expire(make_books(tables, Fixed(), SystemClock(), SecretRing({"a": bytes(32)})), ACCOUNT.id) == 1
        assert tables.lock_over(None, 10) == [ROWS[5]]
