"""Contract of what callers ask about their own account: the same on both engines, and as people see it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from setaria.adapters.store.address import is_sqlite, sqlite_path
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.postgres.reader import PostgresReader
from setaria.adapters.store.reports import ReportTable
from setaria.adapters.store.sqlite.reader import SqliteReader
from setaria.core.errors import Unavailable
from setaria.core.ids import AccountId
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Account
from setaria.domain.ledger.allowances import Allowance, Charge
from setaria.domain.ledger.purses import Purse
from setaria.domain.ledger.receipt import Paid
from setaria.domain.ledger.records import CallRecord, GroupBy
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import begin
from tests.adapters.store.samples import ACCOUNT, AT_MS, DAY_MS, KEY, add_account_and_key, make_call, opened

OTHER = Account(AccountId("acct_2"), "other", "active", AT_MS)
CASH = Allowance("al_1", ACCOUNT.id, "cash", "", 0, 5, 5, 0, 0)
GIFT = Allowance("al_2", ACCOUNT.id, "gift", "e1", 0, 9, 9, 0, 0)
ENDING = Allowance("al_3", ACCOUNT.id, "gift", "e2", 0, 3, 3, 0, 0, AT_MS)
PLAN = Allowance("al_4", ACCOUNT.id, "plan", "sub_1", 0, 3, 3, 0, 0, AT_MS)


def ask(url: str, question: Callable[[ReportTable], Awaitable[object]]) -> object:
    """Ask one question as a worker does."""

    async def run() -> object:
        reader = SqliteReader(sqlite_path(url)) if is_sqlite(url) else PostgresReader(url)
        try:
            return await question(ReportTable(reader))
        finally:
            await reader.close()

    return asyncio.run(run())


def record(url: str, calls: list[CallRecord]) -> None:
    """Write calls as the data plane does."""

    async def run() -> None:
        async with opened(url) as store:
            await asyncio.gather(*map(store.record, calls))

    asyncio.run(run())


def test_a_receipt_is_the_account_s_own(url: str, control: ControlStore) -> None:
    """It has the call's row with the names, and who paid; people see the same, other accounts nothing."""
    add_account_and_key(control)
    with control.begin() as books:
        books.add_allowance(CASH)
        books.add_allowance(GIFT)
    call = make_call(charges="al_2:300 al_9:5 al_1:12", price_id="price_1", note="why not")
    free = make_call(stream=False)
    record(url, [call, free])
    found = ask(url, lambda reports: reports.find_receipt(ACCOUNT.id, call.id))
    with control.read() as books:
        assert found == books.find_receipt(call.id)
        expected = books.find_receipt(call.id)
        assert expected is not None
        assert books.find_receipt("f" * 32) is None
        assert books.find_receipt(free.id) == ask(url, lambda reports: reports.find_receipt(ACCOUNT.id, free.id))
    assert (expected.row.call, expected.row.account_name, expected.row.key_name) == (call, ACCOUNT.name, KEY.name)
    paid = [(Charge("al_2", 300), "gift"), (Charge("al_9", 5), None), (Charge("al_1", 12), "cash")]
    assert expected.paid == tuple(Paid(charge, kind) for charge, kind in paid)  # type: ignore[arg-type]  # kinds
    assert ask(url, lambda reports: reports.find_receipt(OTHER.id, call.id)) is None


def test_purses_are_read_as_people_see_them(url: str, control: ControlStore) -> None:
    """Cash first, then gifts as they end; nothing of plans."""
    add_account_and_key(control)
    with control.begin() as books:
        for allowance in (GIFT, ENDING, CASH, PLAN):
            books.add_allowance(allowance)
    with control.read() as books:
        expected = books.list_purses(ACCOUNT.id)
    assert [purse.allowance for purse in expected] == [CASH, ENDING, GIFT]
    assert expected == ask(url, lambda reports: reports.read_purses(ACCOUNT.id))
    assert ask(url, lambda reports: reports.read_purses(OTHER.id)) == []


@pytest.mark.parametrize("group_by", ["day", "model", "key"])
def test_usage_is_summed_as_people_see_it(url: str, control: ControlStore, group_by: GroupBy) -> None:
    """The account's own calls alone, those of days that were dropped as well, by each group."""
    add_account_and_key(control)
    moments = {-1: 1, 0: 5, DAY_MS - 1: 15, DAY_MS: 30, 2 * DAY_MS - 1: 40, 2 * DAY_MS: 100}
    calls = [make_call(AT_MS + at, usage=Usage(n, n, n, n, n), charge_nano=n * 2**40) for at, n in moments.items()]
    calls[3] = msgspec.structs.replace(calls[3], model="big")
    calls[4] = msgspec.structs.replace(calls[4], account_id=OTHER.id)
    record(url, calls)
    with control.begin() as books:
        books.drop_calls(AT_MS + DAY_MS, 100, AT_MS + 90 * DAY_MS)
    period = (AT_MS, AT_MS + 2 * DAY_MS)
    with control.read() as books:
        expected = books.sum_usage(group_by, *period, ACCOUNT.id)
    assert sum(row.calls for row in expected) == 3
    assert expected == ask(url, lambda reports: reports.sum_usage(ACCOUNT.id, group_by, *period))
    whole = ask(url, lambda reports: reports.sum_usage(ACCOUNT.id, group_by, 0, 253_402_300_800_000))
    with control.read() as books:
        assert whole == books.sum_usage(group_by, 0, 253_402_300_800_000, ACCOUNT.id)


def test_a_question_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The asker is told, and the next question has its turn."""
    monkeypatch.setattr("setaria.adapters.store.sqlite.reader.PATIENCE_S", 0.2)
    file = tmp_path / "a.db"
    file.touch()
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT MAX(x) FROM n WHERE x < $1"

    async def run() -> None:
        reader = SqliteReader(file)
        with pytest.raises(Unavailable):
            await reader.ask(endless, (10**12,))
        assert await reader.ask("SELECT $1", (10,)) == [(10,)]
        await reader.close()

    asyncio.run(run())


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    """A file that is not there, and a server that is none."""

    async def run() -> None:
        for reader in (SqliteReader(tmp_path / "none.db"), PostgresReader("postgresql://u@127.0.0.1:1/none")):
            with pytest.raises(Unavailable):
                await reader.ask("SELECT 1", ())
            await reader.close()

    asyncio.run(run())


def test_credits_are_read_with_what_is_leased(url: str, control: ControlStore) -> None:
    """Plans and windows that are not over, and the subscription behind them; of nobody else's."""
    add_account_and_key(control)
    held = begin("sub_1", ACCOUNT.id, Offer("lite", "Lite", 6, "month", 3), AT_MS, 6)
    with control.begin() as books:
        books.add_subscription(held)
        for row in (CASH, PLAN):
            books.add_allowance(row)
    assert [Purse(PLAN, 0)] == ask(url, lambda table: table.read_credits(ACCOUNT.id, AT_MS - 1))
    assert ask(url, lambda table: table.read_credits(ACCOUNT.id, AT_MS)) == []
    assert ask(url, lambda table: table.read_credits(OTHER.id, 0)) == []
    assert held == ask(url, lambda table: table.find_subscription("sub_1"))
    assert None is ask(url, lambda table: table.find_subscription("sub_2"))
