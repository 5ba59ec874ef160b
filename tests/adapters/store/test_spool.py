"""Spool: a call that was kept is on the books once, whatever happens between."""

import asyncio
import contextlib
import fcntl
import os
import resource
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.spool import FileSpool, read_spool
from setaria.core.errors import Unavailable
from setaria.domain.ledger.leases import Debit
from tests.adapters.store.samples import (
    ACCOUNT,
    add_account_and_key,
    kept_ids,
    make_call,
    opened,
    read_rows,
    write_rows,
)
from tests.fakes.ledger import FakeLedger
from tests.fakes.log import FakeLog

Story = Callable[[FileSpool, FakeLedger, FakeLog], Awaitable[None]]
DEBIT = (Debit("wk_a", "cash", 0, 5, 5),)


def tell(folder: Path, story: Story, limit_bytes: int = 1 << 20) -> None:
    """Play a story with a spool of a process named `a`."""

    async def run() -> None:
        ledger, log = FakeLedger(), FakeLog()
        spool = FileSpool(folder, "a", ledger, log, limit_bytes)
        try:
            await story(spool, ledger, log)
        finally:
            await spool.close()

    asyncio.run(run())


def files(folder: Path) -> list[str]:
    """Name the files that hold calls."""
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".lock")


@contextlib.contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_kept_call_comes_to_the_books_whole(tmp_path: Path) -> None:
    """Call, debits and oddity arrive as they were; then nothing is left, and a further replay finds nothing."""
    calls = [make_call() for _ in range(100)]

    async def story(spool: FileSpool, ledger: FakeLedger, log: FakeLog) -> None:
        await spool.replay()
        await asyncio.gather(*[spool.keep(call, DEBIT, "odd") for call in calls])
        assert files(tmp_path / "spool") == ["a-0.spool"]
        await spool.replay()
        await spool.replay()
        assert ledger.rows == calls
        assert set(ledger.debits.values()) == {DEBIT}
        assert set(ledger.oddities.values()) == {"odd"}
        assert files(tmp_path / "spool") == []
        assert log.fields_of("spool_replayed") == {"calls": 100}

    tell(tmp_path / "spool", story)


def test_while_the_database_is_away_all_stays(tmp_path: Path) -> None:
    """A replay that fails leaves the file for the next one; what is kept meanwhile goes to another file."""

    async def story(spool: FileSpool, ledger: FakeLedger, log: FakeLog) -> None:
        first, second = make_call(), make_call()
        await spool.keep(first, (), "")
        ledger.fails = 1
        await spool.replay()
        await spool.keep(second, (), "")
        assert files(tmp_path) == ["a-0.0.aside", "a-0.spool"]
        ledger.fails = 1
        await spool.replay()
        assert files(tmp_path) == ["a-0.0.aside", "a-0.1.aside"]
        await spool.replay()
        assert ledger.rows == [first, second]

    tell(tmp_path, story)


def test_another_process_replays_what_a_dead_one_left(tmp_path: Path) -> None:
    """Whoever is on the folder puts it on the books; two at once do not get in each other's way."""

    async def story(spool: FileSpool, ledger: FakeLedger, log: FakeLog) -> None:
        call = make_call()
        await spool.keep(call, (), "")
        other = FileSpool(tmp_path, "b", ledger, log)
        lock = os.open(tmp_path / "replay.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        await other.replay()
        assert ledger.rows == []
        os.close(lock)
        await other.replay()
        assert ledger.rows == [call]
        await other.close()

    tell(tmp_path, story)


def test_a_call_is_paid_once_however_often_it_comes(url: str, tmp_path: Path) -> None:
    """A commit whose reply was lost, a replay of it, and another replay by another process: one row, one charge."""
    with contextlib.closing(ControlStore(url)) as control:
        add_account_and_key(control)
    write_rows(
        url,
        "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt) "
        f"VALUES ('cash', '{ACCOUNT.id}', 'cash', '', 0, 95, 100, 0, 0)",
        "INSERT INTO leases (worker_id, allowance_id, period, amount) VALUES ('wk_a', 'cash', 0, 5)",
    )
    call = make_call()

    async def run() -> None:
        async with opened(url) as store:
            await store.record(call, DEBIT)
            for name in ("a", "b"):
                spool = FileSpool(tmp_path, name, store, FakeLog())
                await spool.keep(call, DEBIT, "")
                await spool.replay()
                await spool.close()

    asyncio.run(run())
    assert kept_ids(url) == {call.id}
    assert read_rows(url, "SELECT available, granted, spent, debt FROM allowances") == [(95, 100, 5, 0)]
    assert read_rows(url, "SELECT COUNT(*) FROM leases") == [(0,)]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-3], id="cut off"),
        pytest.param(lambda data: data + b"\0\0\0", id="a piece more"),
        pytest.param(lambda data: data[:-3] + b"xyz", id="changed"),
        pytest.param(lambda data: data + (1).to_bytes(4) + (0xD202EF8D).to_bytes(4) + b"\0", id="no call"),
    ],
)
def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """What is before the damage is put on the books, and the file is kept for somebody to look at."""

    async def story(spool: FileSpool, ledger: FakeLedger, log: FakeLog) -> None:
        first, second = make_call(), make_call()
        await spool.keep(first, (), "")
        await spool.keep(second, (), "")
        file = tmp_path / "a-0.spool"
        file.write_bytes(damage(file.read_bytes()))
        await spool.replay()
        assert first in ledger.rows
        assert "spool_damaged" in log.events
        assert files(tmp_path) == ["a-0.0.damaged"]

    tell(tmp_path, story)


def test_a_full_spool_takes_no_more(tmp_path: Path) -> None:
    """At its limit it says so, and is free again once it was replayed."""

    async def story(spool: FileSpool, ledger: FakeLedger, log: FakeLog) -> None:
        assert [spool.is_full] == [False]
        await spool.keep(make_call(), (), "")
        assert [spool.is_full] == [True]
        with pytest.raises(Unavailable):
            await spool.keep(make_call(), (), "")
        await spool.replay()
        assert [spool.is_full] == [False]
        await spool.keep(make_call(), (), "")

    tell(tmp_path, story, limit_bytes=100)


def test_a_full_disk_costs_no_call_that_was_kept(tmp_path: Path) -> None:
    """What the disk does not take whole is refused; what was kept before and is kept after is there."""

    async def story(spool: FileSpool, ledger: FakeLedger, log: FakeLog) -> None:
        first, second, third = (make_call() for _ in range(3))
        await spool.keep(first, (), "")
        size_bytes = (tmp_path / "a-0.spool").stat().st_size
        with full_disk(size_bytes + 10):
            with pytest.raises(Unavailable):
                await spool.keep(second, (), "")
            assert [spool.is_full] == [True]
            assert "spool_broken" in log.events
        assert [each.call for each in read_spool(tmp_path / "a-0.spool")[0]] == [first]
        await spool.replay()
        assert [spool.is_full] == [False]
        await spool.keep(third, (), "")
        await spool.replay()
        assert ledger.rows == [first, third]

    tell(tmp_path, story)
