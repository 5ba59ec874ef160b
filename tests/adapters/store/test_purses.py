"""Contract of purses, entries, recalls and codes in the control plane's store, on both engines."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from sqlalchemy import BigInteger, insert, literal_column, select, update

from setaria.adapters.store.control.engine import Database
from setaria.adapters.store.control.script_player import dialect_of
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.lease_book import LeaseTable
from setaria.adapters.store.schema import leases, recalls, workers
from setaria.bootstrap.record_books import make_books
from setaria.core.clock import SystemClock
from setaria.core.errors import InvalidRequest
from setaria.core.ids import AccountId
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.records import Account
from setaria.domain.catalog.added import Fixed
from setaria.domain.ledger.allowances import Allowance, Entry, EntryRow
from setaria.domain.ledger.codes import Code
from setaria.domain.ledger.purses import RECALL_LIFE_MS, Held, Purse, pay_in
from setaria.management.codes import create_codes, redeem_code
from tests.adapters.store.samples import ACCOUNT, AT_MS, opened, read_rows

CASH = Allowance("al_2", ACCOUNT.id, "cash", "", 0, 5, 7, 4, 2)
GIFT = Allowance("al_1", ACCOUNT.id, "gift", "e1", 0, 9, 9, 0, 0)
ENDING = Allowance("al_4", ACCOUNT.id, "gift", "e2", 0, 3, 3, 0, 0, AT_MS)
GIFT_2 = Allowance("al_6", ACCOUNT.id, "gift", "e3", 0, 3, 3, 0, 0)
FLIGHT = Allowance("al_3", ACCOUNT.id, "in_flight", "seedling", 0, 14, 16, 0, 0)
OTHER = Account(AccountId("acct_2"), "other", "active", AT_MS)
RING = SecretRing({"a": bytes(32)})


@pytest.fixture
def filled(url: str, control: ControlStore) -> ControlStore:
    """Give a store with an account that has cash, two gifts and calls in flight, and another that has nothing."""
    with control.begin() as books:
        for account in (ACCOUNT, OTHER):
            books.add_account(account)
        for allowance in (CASH, GIFT, ENDING, FLIGHT):
            books.add_allowance(allowance)
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        for worker, leased, amount in (("w1", "al_2", 1), ("w2", "al_2", 1), ("w1", "al_3", 2), ("w2", "al_1", 0)):
            values = {"worker_id": worker, "allowance_id": leased, "period": 0, "amount": amount}
            connection.execute(insert(leases).values(values))
    return control


def test_purses_are_listed_with_what_is_leased(filled: ControlStore) -> None:
    """Cash first, then gifts as they end; what workers hold is summed."""
    with filled.read() as books:
        assert books.list_purses(ACCOUNT.id) == [Purse(CASH, 2), Purse(ENDING, 0), Purse(GIFT, 0)]
        assert books.list_purses(OTHER.id) == []


def test_allowances_are_locked_and_changed(filled: ControlStore) -> None:
    """Those of the kinds asked for, by id; another account's stay as they are."""
    with filled.begin() as books:
        assert books.lock_allowances(ACCOUNT.id, ("cash", "gift")) == [GIFT, CASH, ENDING]
        assert books.lock_allowances(OTHER.id, ("cash", "gift")) == []
        books.change_allowance(pay_in(CASH, 10))
        books.change_allowance(msgspec.structs.replace(GIFT, account_id=OTHER.id, available=0))
    with filled.read() as books:
        assert [purse.allowance.available for purse in books.list_purses(ACCOUNT.id)] == [13, 3, 9]


def test_a_gift_is_news_to_workers(url: str, filled: ControlStore) -> None:
    """They hold cash, which is to be spent after it; another purse is none."""
    before = read_rows(url, "SELECT counter FROM changes")[0][0]
    for allowance, news in ((msgspec.structs.replace(CASH, id="al_5", period=1), 0), (GIFT_2, 1)):
        with filled.begin() as books:
            books.add_allowance(allowance)
        assert read_rows(url, "SELECT counter FROM changes") == [(int(str(before)) + news,)]


def test_entries_are_listed_newest_first(filled: ControlStore) -> None:
    """With the kind of what they moved, and summed by kind."""
    entries = [
        Entry("0" * 32, AT_MS, ACCOUNT.id, "al_2", "topup", 10, "operator", "why", "what"),
        Entry("1" * 32, AT_MS, ACCOUNT.id, "al_2", "refund", -3, "operator", "why", "what"),
        Entry("2" * 32, AT_MS, ACCOUNT.id, "al_1", "gift", 9, "operator", "why", "what"),
        Entry("3" * 32, AT_MS, ACCOUNT.id, "al_2", "adjust", -1, "operator", "why", "what"),
    ]
    with filled.begin() as books:
        for entry in entries:
            books.add_entry(entry)
    with filled.read() as books:
        rows = books.list_entries(ACCOUNT.id, 3)
        assert rows == [EntryRow(entries[3], "cash"), EntryRow(entries[2], "gift"), EntryRow(entries[1], "cash")]
        assert books.list_entries(OTHER.id, 3) == []
        assert books.sum_entries(ACCOUNT.id, "al_2", ("topup", "refund")) == 7
        assert books.sum_entries(OTHER.id, "al_2", ("topup", "refund")) == 0


def test_what_is_held_is_counted(filled: ControlStore) -> None:
    """Workers that hold money or credits, and calls in flight; an empty lease holds nothing."""
    with filled.read() as books:
        assert books.count_held(ACCOUNT.id) == Held(2, 2)
        assert books.count_held(OTHER.id) == Held(0, 0)


@pytest.mark.parametrize("sweep, left", [("unseen", ["living"]), ("all", [])])
def test_the_dead_are_given_up(url: str, filled: ControlStore, sweep: str, left: list[str]) -> None:
    """Those not seen for so long, or all; what they held is back with its allowance, and the books add up."""
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        now_ms = literal_column(dialect_of(connection).now_ms, BigInteger)
        for worker_id, ago_ms in (("w1", 61_000), ("living", 59_000)):
            row = {"id": worker_id, "node": worker_id, "started_at_ms": 0, "seen_at_ms": now_ms - ago_ms}
            connection.execute(insert(workers).values(row))
    with filled.begin() as books:
        assert (books.sweep(60) if sweep == "unseen" else books.sweep_all()) == 2 - len(left)
        assert books.count_held(ACCOUNT.id) == Held(1, 0)
        cash, flight = books.lock_allowances(ACCOUNT.id, ("cash", "in_flight"))
    assert (cash.available, cash.debt, flight.available) == (5, 1, 16)  # what comes back pays debt first
    with contextlib.closing(Database(url)) as database, database.read() as connection:
        assert [*connection.execute(select(workers.c.id)).scalars()] == left
        assert [*connection.execute(select(leases.c.worker_id)).scalars()] == ["w2", "w2"]


def test_a_recall_stands_alone(url: str, filled: ControlStore) -> None:
    """A second is refused while the first stands; one whose beginner has died stands no more, for workers neither."""

    def age(by_ms: int) -> None:
        with contextlib.closing(Database(url)) as database, database.write() as connection:
            connection.execute(update(recalls).values(at_ms=recalls.c.at_ms - by_ms))

    async def read() -> set[str]:
        async with opened(url) as store:
            return {*await LeaseTable(store).read_recalls()}

    with filled.begin() as books:
        assert [books.begin_recall(account) for account in (ACCOUNT.id, ACCOUNT.id, OTHER.id)] == [True, False, True]
    assert asyncio.run(read()) == {ACCOUNT.id, OTHER.id}
    age(RECALL_LIFE_MS + 1)
    assert asyncio.run(read()) == set()
    with filled.begin() as books:
        assert books.begin_recall(ACCOUNT.id)
        books.end_recall(ACCOUNT.id)
        assert books.begin_recall(ACCOUNT.id)
    assert asyncio.run(read()) == {ACCOUNT.id}


def test_codes_are_kept(filled: ControlStore) -> None:
    """They are found by digest, listed by batch, and redeemed once before their end."""
    codes = [Code(b"1" * 32, "b1", "WXYZ", 5, 1, 9), Code(b"2" * 32, "b2", "WXYZ", 5, 1)]
    with filled.begin() as books:
        for code in codes:
            books.add_code(code)
        assert [books.find_code(codes[0].digest), books.find_code(b"x")] == [codes[0], None]
        assert (books.list_codes("b2"), books.list_codes(None)) == (codes[1:], codes)
        assert [books.redeem_code(codes[0].digest, OTHER.id, at_ms) for at_ms in (9, 8, 8)] == [False, True, False]
        assert books.redeem_code(codes[1].digest, ACCOUNT.id, 10**12)
        assert books.list_codes("b1") == [msgspec.structs.replace(codes[0], redeemed_at_ms=8, redeemed_by=OTHER.id)]


def test_a_code_redeemed_by_many_at_once_is_paid_once(url: str, filled: ControlStore) -> None:
    """Of eight that redeem it at the same moment, each on a connection of its own, one gets the amount."""

    def redeem(text: str) -> str:
        with contextlib.closing(ControlStore(url)) as store:
            try:
                with store.begin() as tables:
                    redeem_code(make_books(tables, Fixed(), SystemClock(), RING), ACCOUNT.id, text)
            except InvalidRequest as error:
                return error.message
            return "done"

    with filled.begin() as tables:
        ((_, text),) = create_codes(make_books(tables, Fixed(), SystemClock(), RING), 100, 1, None)
    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(redeem, [text] * 8)) == ["done"] + ["this redeem code was used before"] * 7
    with filled.read() as books:
        cash = books.list_purses(ACCOUNT.id)[0].allowance
        assert (cash.granted, cash.debt, cash.available) == (107, 0, 103)
        entries = [row.entry.kind for row in books.list_entries(ACCOUNT.id, 10)]
        assert sorted(entries) == ["expire", "redeem"]  # a gift that has ended is taken out by whoever comes first


def test_top_ups_at_once_are_all_counted(url: str, filled: ControlStore) -> None:
    """Actions read and write in turns, whoever acts."""

    def top_up(_: int) -> None:
        with contextlib.closing(ControlStore(url)) as store, store.begin() as books:
            (cash,) = books.lock_allowances(ACCOUNT.id, ("cash",))
            books.change_allowance(pay_in(cash, 1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(top_up, range(24)))
    with filled.read() as books:
        assert books.list_purses(ACCOUNT.id)[0].allowance.granted == 31


def test_actions_take_turns(url: str, filled: ControlStore) -> None:
    """What an action has read of accounts stays true until it ends: the next one waits."""

    def rename(number: int) -> None:
        with contextlib.closing(ControlStore(url)) as store, store.begin() as books:
            found = books.find_account(OTHER.id)
            assert found is not None
            books.change_account(msgspec.structs.replace(found, name=f"{found.name}{number}"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(rename, range(8)))
    with filled.read() as books:
        found = books.find_account(OTHER.id)
        assert found is not None
        assert sorted(found.name.removeprefix("other")) == list("01234567")
