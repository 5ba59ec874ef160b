"""Retention: calls go, their sums stay, and the books stay provable; on both engines."""

import asyncio
import contextlib

import pytest

from setaria.adapters.store.control.engine import Database
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import upgrade
from setaria.core.errors import InvalidRequest
from setaria.core.ids import new_call_id
from setaria.core.usage import Usage
from setaria.domain.ledger.proof import prove
from setaria.management.retention import prune_calls
from tests.adapters.store.samples import ACCOUNT, AT_MS, add_account_and_key, kept_ids, make_call, opened
from tests.fakes.clock import FakeClock

DAY_MS = 86_400_000
AGES = (0, 10, 34, 36, 36, 90)  # in days


@pytest.fixture
def old_calls(url: str, control: ControlStore) -> None:
    """Put calls of several ages into the books, each of 5 input tokens and paid with 10 of 1,000 nano-units."""
    add_account_and_key(control)
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        connection.exec_driver_sql("DELETE FROM allowances")
        connection.exec_driver_sql(
            f"INSERT INTO allowances VALUES ('al_1', '{ACCOUNT.id}', 'cash', '', 0, 940, 1000, 60, 0, NULL)"
        )
        connection.exec_driver_sql(
            f"INSERT INTO entries VALUES ('0', 0, '{ACCOUNT.id}', 'al_1', 'topup', 1000, 'operator', '', '')"
        )
    write(url, AGES)


def write(url: str, ages: tuple[int, ...]) -> None:
    """Write calls of these ages."""

    async def run() -> None:
        async with opened(url) as store:
            for age in ages:
                at_ms = AT_MS - age * DAY_MS
                usage = Usage(input_tokens=5, output_tokens=1)
                await store.record(
                    make_call(at_ms, id=new_call_id(at_ms), usage=usage, charge_nano=10, charges="al_1:10")
                )

    asyncio.run(run())


@pytest.mark.usefixtures("old_calls")
@pytest.mark.parametrize("group_by", ["day", "model", "key"])
def test_usage_and_proof_are_the_same_after_calls_were_dropped(url: str, control: ControlStore, group_by: str) -> None:
    """Nobody who asks for usage, and no rule of the books, sees that the calls are gone."""
    with control.read() as books:
        before = books.sum_usage(group_by, 0, AT_MS + DAY_MS, None)  # type: ignore[arg-type]  # a parameter
        assert prove(books.read_books()).faults == ()
    assert prune_calls(control.begin, FakeClock(now_ms=AT_MS), 35) == 3
    assert len(kept_ids(url)) == 3
    with control.read() as books:
        assert before == books.sum_usage(group_by, 0, AT_MS + DAY_MS, None)  # type: ignore[arg-type]  # as above
        assert before == books.sum_usage(group_by, 0, AT_MS + DAY_MS, ACCOUNT.id)  # type: ignore[arg-type]  # as above
        proof = prove(books.read_books())
        checkpoints = [entry for entry in books.read_entries(None, 0, None) if entry.kind == "checkpoint"]
    assert (proof.faults, proof.calls) == ((), 3)
    assert [(entry.allowance_id, entry.amount, entry.actor) for entry in checkpoints] == [("al_1", 30, "system")]


@pytest.mark.usefixtures("old_calls")
def test_calls_are_dropped_once(url: str, control: ControlStore) -> None:
    """A second look finds nothing, and calls of the same day that come late are added to its sums."""
    clock = FakeClock(now_ms=AT_MS)
    assert (prune_calls(control.begin, clock, 35), prune_calls(control.begin, clock, 35)) == (3, 0)
    write(url, (36,))
    assert prune_calls(control.begin, clock, 35) == 1
    with control.read() as books:
        rows = books.sum_usage("day", 0, AT_MS + DAY_MS, None)
    assert sum(row.calls for row in rows) == len(AGES) + 1


@pytest.mark.usefixtures("old_calls")
def test_nothing_young_is_dropped(url: str, control: ControlStore) -> None:
    """For ever is for ever, and fewer than 35 days are refused."""
    assert prune_calls(control.begin, FakeClock(now_ms=AT_MS), 0) == 0
    with pytest.raises(InvalidRequest, match="at least 35 days"):
        prune_calls(control.begin, FakeClock(now_ms=AT_MS), 34)
    assert len(kept_ids(url)) == len(AGES)


def test_a_week_of_postgres_is_dropped_whole(postgres_url: str) -> None:
    """Weeks are made ahead, take the calls of their time, and go with one statement; their sums stay."""
    upgrade(postgres_url)
    with contextlib.closing(ControlStore(postgres_url)) as control:
        add_account_and_key(control)
        early = FakeClock(now_ms=AT_MS - 60 * DAY_MS)
        assert prune_calls(control.begin, early, 0) == 0
        write(postgres_url, (60, 59))
        with control.begin() as books:
            assert books.make_partitions(early.now_ms()) == 0
        with contextlib.closing(Database(postgres_url)) as database, database.read() as connection:
            rest = connection.exec_driver_sql("SELECT count(*) FROM calls_rest").scalar_one()
            assert (rest, connection.exec_driver_sql("SELECT count(*) FROM calls").scalar_one()) == (0, 2)
        assert prune_calls(control.begin, FakeClock(now_ms=AT_MS), 35) == 2
        assert kept_ids(postgres_url) == set()
        with control.read() as books:
            rows = books.sum_usage("model", 0, AT_MS + DAY_MS, None)
        assert [row.calls for row in rows] == [2]
        assert rows[0].usage == Usage(10, output_tokens=2)


WINDOWS = {"al_6": (90, 36), "al_7": (90, 36), "al_8": (36, 2), "al_9": (10, -30)}
"""Windows, with the ages in days at which they began and ended; of the first more was taken than there was."""


@pytest.fixture
def windows(url: str, control: ControlStore, old_calls: None) -> None:
    """Put windows of a plan beside the calls, each with two calls: one as old as the window, one of 36 days ago."""
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        for name, (begin, end) in WINDOWS.items():
            money = "0, 10, 40, 30" if name == "al_6" else "960, 1000, 40, 0"
            span = f"{AT_MS - begin * DAY_MS}, {money}, {AT_MS - end * DAY_MS}"
            connection.exec_driver_sql(
                f"INSERT INTO allowances VALUES ('{name}', '{ACCOUNT.id}', 'window', '{name}', {span})"
            )

    async def run() -> None:
        async with opened(url) as store:
            for name, (begin, _) in WINDOWS.items():
                for age in (begin, 36):
                    at_ms = AT_MS - age * DAY_MS
                    await store.record(make_call(at_ms, id=new_call_id(at_ms), charge_nano=0, charges=f"{name}:20"))

    asyncio.run(run())


def numbers(url: str) -> dict[str, tuple[int, int]]:
    """Give what each window granted and what of it is spent."""
    with contextlib.closing(Database(url)) as database, database.read() as connection:
        rows = connection.exec_driver_sql("SELECT id, granted, spent FROM allowances WHERE kind = 'window'")
        return {row[0]: (row[1], row[2]) for row in rows}


@pytest.mark.usefixtures("windows")
def test_windows_go_with_their_calls(url: str, control: ControlStore) -> None:
    """One that ended and whose calls are all dropped goes; a live one leaves a checkpoint and stays whole.

    One that a worker still holds a lease of stays too; what one owes is owed to nobody.
    The books prove themselves before and after.
    """
    assert prune_calls(control.begin, FakeClock(now_ms=AT_MS), 60) == 3
    assert numbers(url) == {"al_6": (-10, 20), "al_7": (980, 20), "al_8": (1000, 40), "al_9": (1000, 40)}
    with control.read() as books:
        assert prove(books.read_books()).faults == ()
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        connection.exec_driver_sql("INSERT INTO leases VALUES ('w', 'al_7', 0, 0)")
    assert prune_calls(control.begin, FakeClock(now_ms=AT_MS), 35) == 7
    assert numbers(url) == {"al_7": (960, 0), "al_8": (960, 0), "al_9": (1000, 40)}
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        connection.exec_driver_sql("DELETE FROM leases")
    assert prune_calls(control.begin, FakeClock(now_ms=AT_MS), 35) == 0
    assert numbers(url) == {"al_8": (960, 0), "al_9": (1000, 40)}
    with control.read() as books:
        assert prove(books.read_books()).faults == ()
        assert {entry.allowance_id for entry in books.read_entries(None, 1, None)} == {"al_1", "al_9"}
