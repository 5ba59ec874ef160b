"""Outages: what the stores do while the database is away, and that they come back by themselves."""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from setaria.adapters.store.address import sqlite_path
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.failures import RowRefused
from setaria.adapters.store.migrate import upgrade
from setaria.adapters.store.postgres import line
from setaria.adapters.store.postgres.store import PostgresStore
from setaria.adapters.store.sqlite import connection
from setaria.adapters.store.sqlite.connection import open_connection
from setaria.adapters.store.sqlite.lock import FileLock
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.core.errors import Misconfigured, Unavailable
from tests.adapters.store.samples import ids_of, kept_ids, make_call, opened
from tests.postgres import PostgresServer

_NOBODY = 65534


async def record_at_last(store: SqliteStore | PostgresStore) -> str:
    """Record a call, again and again until the store is back, and give its id."""
    call = make_call()
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Unavailable):
                await store.record(call)
                return call.id
            await asyncio.sleep(0)


@contextlib.contextmanager
def other_process_has_the_lock(path: Path) -> Iterator[None]:
    """Hold the file lock as another process does that hangs while it writes."""
    with FileLock(path).held(0):
        yield


@contextlib.contextmanager
def foreign_program_writes(path: Path) -> Iterator[None]:
    """Hold SQLite's own lock, as a program does that knows nothing of ours."""
    with contextlib.closing(open_connection(path)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("occupy", [other_process_has_the_lock, foreign_program_writes])
def test_a_lock_held_by_others_is_waited_for_2_s(
    sqlite_url: str, occupy: Callable[[Path], contextlib.AbstractContextManager[None]]
) -> None:
    """A file that others write to for longer is away: calls fail, reads go on, and afterwards all is well again."""
    upgrade(sqlite_url)

    async def run() -> str:
        async with opened(sqlite_url) as store:
            with occupy(sqlite_path(sqlite_url)):
                with pytest.raises(Unavailable) as caught:
                    await store.record(make_call())
                assert caught.value.retry_after_s == 2
                assert await store.read_change_counter() == 0
            return await record_at_last(store)

    assert asyncio.run(run()) in kept_ids(sqlite_url)


def test_the_control_plane_waits_for_the_lock_2_s(sqlite_url: str) -> None:
    """Somebody who manages accounts is told who is in the way."""
    upgrade(sqlite_url)
    with contextlib.closing(ControlStore(sqlite_url)) as control, FileLock(sqlite_path(sqlite_url)).held(0):
        with pytest.raises(Unavailable, match="another process has been writing"), control.begin():
            pass
        with control.read() as books:
            assert books.list_accounts() == []


def test_a_lock_given_up_is_free_for_the_next(sqlite_url: str) -> None:
    """Whoever stopped waiting for the lock does not get it later and keep it."""
    lock = FileLock(sqlite_path(sqlite_url))
    with lock.held(0), pytest.raises(TimeoutError), lock.held(0.01):
        pass
    with lock.held(1):
        pass


def test_a_file_that_has_gone_is_not_made_anew(sqlite_url: str) -> None:
    """When the database file is moved away calls fail and no empty file takes its place; moved back, all is well."""
    upgrade(sqlite_url)
    path = sqlite_path(sqlite_url)
    away = path.with_name("away.db")

    async def run() -> str:
        async with opened(sqlite_url) as store:
            assert isinstance(store, SqliteStore)
            path.rename(away)
            await store._writer.run(store._writing.close)
            with pytest.raises(Unavailable):
                await store.record(make_call())
            assert await store.check() == "the file setaria.db is not there; restore it from a backup"
            assert not path.exists()
            away.rename(path)
            return await record_at_last(store)

    assert asyncio.run(run()) in kept_ids(sqlite_url)


@pytest.mark.parametrize("replacement", [None, b"", "another database"])
def test_a_file_that_is_removed_or_replaced_is_noticed(sqlite_url: str, replacement: bytes | str | None) -> None:
    """A server whose file went away, or whose place another file took, writes into neither of them, and says so."""
    upgrade(sqlite_url)
    path = sqlite_path(sqlite_url)

    async def run() -> None:
        async with opened(sqlite_url) as store:
            await store.record(make_call())
            assert await store.check() == ""
            path.rename(path.with_name("moved"))
            if isinstance(replacement, bytes):
                path.write_bytes(replacement)
            elif replacement:
                upgrade(sqlite_url)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await store.record(make_call())
                with pytest.raises(Unavailable):
                    await store.read_change_counter()
                assert ("is not there" if replacement is None else "was replaced") in await store.check()
            path.unlink(missing_ok=True)
            path.with_name("moved").rename(path)
            assert await store.check() == ""

    asyncio.run(run())


class Space(NamedTuple):
    """What the system says of a disk."""

    f_bavail: int
    f_frsize: int


@pytest.mark.parametrize("free_kb, says", [(8191, "only 8191 KB are free on the disk of"), (8192, "")])
def test_a_disk_that_is_nearly_full_is_told(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, free_kb: int, says: str
) -> None:
    """A server whose disk is nearly full is not ready, while it still writes down what is under way."""
    upgrade(sqlite_url)
    monkeypatch.setattr(os, "statvfs", lambda _: Space(free_kb, 1024))

    async def run() -> None:
        async with opened(sqlite_url) as store:
            found = await store.check()
            assert (found[: len(says)], bool(found)) == (says, bool(says))
            await store.record(make_call())

    asyncio.run(run())


def test_a_damaged_file_is_told(sqlite_url: str) -> None:
    """A file that is no database, or a broken one, is told as damaged by both planes, with what to do."""
    path = sqlite_path(sqlite_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database" * 1000)

    async def run() -> None:
        async with opened(sqlite_url):
            pass

    with pytest.raises(Unavailable, match="the file is damaged: restore a backup"):
        asyncio.run(run())
    with contextlib.closing(ControlStore(sqlite_url)) as control:
        for transaction in (control.begin, control.read):
            told = pytest.raises(Misconfigured, match=r"damaged \(file is not a database\); restore a backup")
            with told, transaction() as book:
                book.list_accounts()
    with pytest.raises(Misconfigured, match="restore a backup"):
        upgrade(sqlite_url)


def test_a_locked_table_is_told(postgres_url: str) -> None:
    """A server whose calls can't be written is not ready, though all else works."""
    upgrade(postgres_url)

    async def run() -> None:
        async with opened(postgres_url) as store:
            assert await store.check() == ""
            other = await asyncpg.connect(postgres_url)
            async with other.transaction():
                await other.execute("LOCK TABLE calls IN SHARE MODE")
                assert await store.check() != ""
            await other.close()
            assert await store.check() == ""

    asyncio.run(run())


def test_postgres_may_stop_and_start(postgres_server: PostgresServer, postgres_url: str) -> None:
    """While the server is away every question is answered with Unavailable; when it is back all is well again."""
    upgrade(postgres_url)

    async def run() -> set[str]:
        async with opened(postgres_url) as store:
            with control.read() as books:
                assert books.list_accounts() == []
            calls = [make_call() for _ in range(3)]
            await asyncio.gather(*map(store.record, calls))
            await asyncio.to_thread(postgres_server.stop)
            try:
                for question in (store.record(make_call()), store.find_caller(b"d"), store.read_change_counter()):
                    with pytest.raises(Unavailable):
                        await question
                assert await store.check() != ""
                with pytest.raises(Unavailable, match="cannot use the database"), control.read() as books:
                    books.list_accounts()
            finally:
                await asyncio.to_thread(postgres_server.start)
            with control.read() as books:
                assert books.list_accounts() == []
            assert await store.check() == ""
            return {*ids_of(calls), await record_at_last(store)}

    with contextlib.closing(ControlStore(postgres_url)) as control:
        assert asyncio.run(run()) == kept_ids(postgres_url)


def test_a_hanging_postgres_is_away_after_2_s(postgres_url: str) -> None:
    """A statement that another transaction holds up counts as not done, and the store comes back by itself."""
    upgrade(postgres_url)

    async def run() -> str:
        other = await asyncpg.connect(postgres_url)
        async with opened(postgres_url) as store:
            async with other.transaction():
                await other.execute("LOCK TABLE calls IN EXCLUSIVE MODE")
                with pytest.raises(Unavailable):
                    await store.record(make_call())
                assert await store.read_change_counter() == 0
            written = await record_at_last(store)
        await other.close()
        return written

    assert asyncio.run(run()) in kept_ids(postgres_url)


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "postgresql://bad port:x/"])
def test_a_server_that_is_not_there_is_told_at_the_start(url: str) -> None:
    """Opening fails with what is wrong."""

    async def run() -> None:
        async with opened(url):
            pass

    with pytest.raises(Unavailable, match="cannot use the PostgreSQL database: "):
        asyncio.run(run())


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    """Act as a user without rights, where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_an_unwritable_data_folder_is_told() -> None:
    """A folder that does not belong to the user is named in the message, with what must be."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o555)
        words = f"cannot write the database {folder}/setaria.db: Permission denied; its folder must exist and belong"
        with without_root(), pytest.raises(Unavailable, match=words):
            upgrade(f"sqlite:///{folder}/setaria.db")


def test_a_missing_data_folder_is_told(data_folder: Path) -> None:
    """The message names the file and says what must be."""
    with pytest.raises(Unavailable, match="No such file or directory; its folder must exist"):
        upgrade(f"sqlite:///{data_folder / 'none' / 'setaria.db'}")


def test_a_database_that_was_never_made_is_told(data_folder: Path) -> None:
    """Opening the data plane's store without a database says so."""

    async def run() -> None:
        async with opened(f"sqlite:///{data_folder / 'setaria.db'}"):
            pass

    with pytest.raises(Unavailable, match=r"setaria\.db: the file setaria\.db is not there"):
        asyncio.run(run())


def every_kind(*roots: type[Exception]) -> list[type[Exception]]:
    """List these classes of errors and all below them."""
    return [kind for root in roots for kind in (root, *every_kind(*root.__subclasses__()))]


def test_every_sqlite_error_is_mapped() -> None:
    """No error of SQLite leaves the store under its own name."""
    for kind in every_kind(sqlite3.Error, OSError):
        with pytest.raises((RowRefused, Unavailable)), connection.mapped_errors():
            raise kind.__new__(kind)  # some of other libraries' OSErrors want arguments


def test_every_postgres_error_is_mapped() -> None:
    """No error of asyncpg leaves the store under its own name."""
    for kind in every_kind(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        with pytest.raises((RowRefused, Unavailable)), line.mapped_errors():
            raise kind("words")
