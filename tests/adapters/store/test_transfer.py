"""Transfer and backup: a copy holds what was there, or there is no copy; on both engines."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from setaria.adapters.store.address import url_from_sqlite_path
from setaria.adapters.store.backup import back_up, check_backup, restore
from setaria.adapters.store.control.engine import Database
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import current_revision, upgrade
from setaria.adapters.store.revision import HEAD
from setaria.adapters.store.transfer import TableProof, prove, read_tables, transfer
from setaria.core.errors import InvalidRequest, Misconfigured, Unavailable
from tests.adapters.store.samples import ACCOUNT, KEY, add_account_and_key, kept_ids, make_call, opened


def proofs_of(url: str) -> list[TableProof]:
    """Prove every table of a database."""
    with contextlib.closing(Database(url)) as database, database.read() as connection:
        return [prove(connection, table) for table in read_tables(connection)]


@pytest.fixture
def filled_url(url: str, control: ControlStore, tmp_path: Path) -> str:
    """Give a database with an account, a key and three calls."""
    add_account_and_key(control)
    control.ensure_installation("ring1", 1)

    async def write() -> None:
        async with opened(url) as store:
            for number in range(3):
                await store.record(make_call(1_795_392_000_000 + number, charge_nano=2**53 + number))

    asyncio.run(write())
    return url


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_a_copy_holds_the_same(filled_url: str, to: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Every row arrives on either engine, with every number to the last unit."""
    target = request.getfixturevalue("postgres_url") if to == "postgres" else url_from_sqlite_path(tmp_path / "copy.db")
    if target == filled_url:
        target = url_from_sqlite_path(tmp_path / "copy.db")
    before = proofs_of(filled_url)
    assert before == transfer(filled_url, target) == proofs_of(target)
    assert kept_ids(filled_url) == kept_ids(target) != set()
    with contextlib.closing(ControlStore(target)) as store, store.read() as books:
        assert books.list_accounts() == [ACCOUNT]
        assert books.list_keys(None) == [KEY]
    calls = next(proof for proof in before if proof.id == "calls")
    assert (calls.rows, calls.sums["charge_nano"]) == (3, 3 * 2**53 + 3)


def test_nothing_is_copied_over_accounts(filled_url: str, tmp_path: Path) -> None:
    """A database in use is no target."""
    target = url_from_sqlite_path(tmp_path / "copy.db")
    transfer(filled_url, target)
    with pytest.raises(InvalidRequest, match="has accounts already"):
        transfer(filled_url, target)
    assert proofs_of(filled_url) == proofs_of(target)


def test_an_empty_source_is_refused(empty_url: str, tmp_path: Path) -> None:
    """A database without tables is nothing to copy."""
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        Path(empty_url.removeprefix("sqlite:///")).touch()
    with pytest.raises(Misconfigured, match="nothing to copy"):
        transfer(empty_url, url_from_sqlite_path(tmp_path / "copy.db"))


def test_a_backup_can_be_restored(filled_url: str, tmp_path: Path) -> None:
    """A backup holds everything, is closed to others, and brings everything back; what was there is put aside."""
    file, aside = tmp_path / "backup.db", tmp_path / "aside.db"
    back_up(filled_url, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [file] == list(tmp_path.glob("backup*"))
    assert check_backup(file) == "ring1"
    with pytest.raises(InvalidRequest, match="there already"):
        back_up(filled_url, file)
    before = proofs_of(filled_url)
    if filled_url.startswith("sqlite"):
        with contextlib.closing(Database(filled_url)) as database, database.write() as connection:
            connection.exec_driver_sql("DELETE FROM keys")
        restore(file, filled_url, aside)
        assert before == proofs_of(filled_url)
        assert before != proofs_of(url_from_sqlite_path(aside))
    else:
        with pytest.raises(InvalidRequest, match="has accounts already"):
            restore(file, filled_url, aside)
        assert before == proofs_of(filled_url)


def damage(path: Path, keep_bytes: int, rubbish: bytes = b"") -> None:
    """Leave the beginning of a file, and rubbish after it."""
    path.write_bytes(path.read_bytes()[:keep_bytes] + rubbish)


@pytest.mark.parametrize(
    "keep_bytes, rubbish", [(50, b""), (4096, b""), (50_000, b""), (0, b"\xff" * 20_000), (4096, b"\xff" * 20_000)]
)
def test_a_damaged_file_is_put_aside_with_its_log(tmp_path: Path, keep_bytes: int, rubbish: bytes) -> None:
    """A backup is restored most of all when the database is damaged; what is left of that one is kept whole."""
    path, file, aside = tmp_path / "setaria.db", tmp_path / "backup.db", tmp_path / "aside.db"
    url = url_from_sqlite_path(path)
    upgrade(url)
    back_up(url, file)
    before = proofs_of(url)
    damage(path, keep_bytes, rubbish)
    content = path.read_bytes()
    path.with_name("setaria.db-wal").write_bytes(b"log")
    restore(file, url, aside)
    assert proofs_of(url) == before
    assert aside.read_bytes() == content
    assert tmp_path / "setaria.db.restored" not in tmp_path.iterdir()


def test_a_log_without_its_database_is_put_aside(tmp_path: Path) -> None:
    """SQLite would play it into the restored file."""
    path, file, aside = tmp_path / "setaria.db", tmp_path / "backup.db", tmp_path / "aside.db"
    url = url_from_sqlite_path(path)
    upgrade(url)
    back_up(url, file)
    path.unlink()
    path.with_name("setaria.db-wal").write_bytes(b"log")
    restore(file, url, aside)
    assert aside.with_name("aside.db-wal").read_bytes() == b"log"
    assert not aside.exists()


def test_a_restore_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A database that can't be moved away stays as it is, and no part of the backup beside it."""
    path, file = tmp_path / "setaria.db", tmp_path / "backup.db"
    url = url_from_sqlite_path(path)
    upgrade(url)
    back_up(url, file)
    before = {one.name for one in tmp_path.iterdir()}
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            restore(file, url, tmp_path / "aside.db")
    assert {one.name for one in tmp_path.iterdir()} == before


def test_a_backup_of_a_damaged_database_blames_the_database(tmp_path: Path) -> None:
    """And not the file that was to be written."""
    path, file = tmp_path / "setaria.db", tmp_path / "backup.db"
    upgrade(url_from_sqlite_path(path))
    damage(path, 0, b"\xff" * 20_000)
    with pytest.raises(Misconfigured, match="the database file is damaged"):
        back_up(url_from_sqlite_path(path), file)
    assert [path.name] == [one.name for one in tmp_path.glob("*") if not one.name.endswith(".lock")]


def test_a_backup_of_a_database_that_is_not_there(tmp_path: Path) -> None:
    """What is no damage is told as it was said."""
    path = tmp_path / "setaria.db"
    upgrade(url_from_sqlite_path(path))
    path.unlink()
    with pytest.raises(Unavailable, match="unable to open"):
        back_up(url_from_sqlite_path(path), tmp_path / "backup.db")


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_earlier_tables_are_backed_up_as_they_are(empty_url: str, revision: str, tmp_path: Path) -> None:
    """The backup before an upgrade has the tables of before, and can be brought up to date by itself."""
    upgrade(empty_url, revision)
    file = tmp_path / "backup.db"
    back_up(empty_url, file)
    assert revision == current_revision(url_from_sqlite_path(file))
    upgrade(url_from_sqlite_path(file))
    assert current_revision(url_from_sqlite_path(file)) == HEAD


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    """A missing file, a text, another program's database and one of a newer version each get their reason."""
    text, other, newer = tmp_path / "text.db", tmp_path / "other.db", tmp_path / "newer.db"
    text.write_text("This is no database, but it is long enough to look at. " * 20)
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    upgrade(url_from_sqlite_path(newer))
    with contextlib.closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for file, words in ((tmp_path / "none.db", "no file"), (text, "no backup"), (other, "no backup"), (newer, "newer")):
        with pytest.raises(InvalidRequest, match=words):
            check_backup(file)
