"""Migrations: from nothing to the tables of the program, on both engines."""

import contextlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from setaria.adapters.store.address import sqlite_path, url_from_sqlite_path
from setaria.adapters.store.control.engine import Database
from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import current_revision, head_revision, upgrade
from setaria.adapters.store.revision import HEAD, is_current
from setaria.adapters.store.schema import metadata
from setaria.adapters.store.usage_rows import USAGE
from setaria.core.errors import Misconfigured
from setaria.core.ids import AccountId
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Account, Limits
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import Purse
from setaria.domain.ledger.records import UsageRow


def set_revision(url: str, revision: str) -> None:
    """Make a database look as if another program had made it."""
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_the_light_check_knows_the_newest_revision() -> None:
    """The constant is what the folder of migrations says."""
    assert head_revision() == HEAD


def test_an_empty_database_gets_all_tables(empty_url: str) -> None:
    """After an upgrade the database has exactly the tables that the schema describes."""
    if not empty_url.startswith("sqlite"):
        assert None is current_revision(empty_url)
    upgrade(empty_url)
    assert current_revision(empty_url) == HEAD
    with contextlib.closing(Database(empty_url)) as database, database.read() as connection:
        options = {"include_name": lambda name, kind, parents: name != "calls_rest"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_tables_of_every_earlier_revision_keep_their_content(empty_url: str, revision: str) -> None:
    """A database of an earlier version gets the new tables and loses nothing; only the operator stays postpaid."""
    upgrade(empty_url, revision)
    with contextlib.closing(Database(empty_url)) as database, database.write() as connection:
        for statement in (
            "INSERT INTO accounts (id, name, status, created_at_ms) VALUES ('acct_1', 'default', 'active', 1)",
            "INSERT INTO accounts (id, name, status, created_at_ms) VALUES ('acct_2', 'ann', 'active', 2)",
            "UPDATE changes SET counter = 7",
        ):
            connection.exec_driver_sql(statement)
    upgrade(empty_url)
    assert current_revision(empty_url) == HEAD
    with contextlib.closing(ControlStore(empty_url)) as control, control.read() as books:
        found = books.list_accounts()
        assert [
            Account(AccountId("acct_1"), "default", "active", 1, "", "postpaid", Limits(unlimited=True)),
            Account(AccountId("acct_2"), "ann", "active", 2, "", "prepaid", Limits()),
        ] == found
        for account in found:
            cash = Allowance(f"al_{account.id[5:]}", account.id, "cash", "", 0, 0, 0, 0, 0)
            assert books.list_purses(account.id) == [Purse(cash, 0)]


def test_calls_of_before_took_no_sound_and_no_searches(empty_url: str) -> None:
    """Calls and sums of days that an earlier version wrote are all there, with nothing in the new columns."""
    upgrade(empty_url, "0003")
    texts = ("account_id", "key_id", "model", "protocol", "upstream", "ending", "counts_from")
    values = ", ".join(["'m'"] * 7 + ["7"] * 10)
    numbers = ("at_ms", "status", "charge_nano", "duration_ms", "attempts", *USAGE[:5])
    with contextlib.closing(Database(empty_url)) as database, database.write() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO calls (id, stream, {', '.join(texts + numbers)}) VALUES ('{'0' * 32}', 1 = 1, {values})"
        )
        connection.exec_driver_sql(
            "INSERT INTO rollups (day, account_id, key_id, model, calls, charge_nano, charge_millicredits, "
            f"{', '.join(USAGE[:5])}) VALUES ('1970-01-01', 'm', 'm', 'm', 1, 7, 7, 7, 7, 7, 7, 7)"
        )
    upgrade(empty_url)
    with contextlib.closing(ControlStore(empty_url)) as control, control.read() as books:
        (row,) = books.sum_usage("model", 0, 86_400_000, None)
    assert row == UsageRow("m", "m", 2, Usage(14, 14, 14, 14, 14), 14, 7)


def test_an_upgrade_twice_changes_nothing(url: str) -> None:
    """A database that is as it should be is left alone."""
    with contextlib.closing(Database(url)) as database:
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE changes SET counter = 7")
        upgrade(url)
        with database.read() as connection:
            assert connection.exec_driver_sql("SELECT counter FROM changes").scalar_one() == 7


def test_upgrades_at_once_wait_for_each_other(empty_url: str) -> None:
    """Several processes that start together on an empty database all find it ready."""
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(upgrade, [empty_url] * 3)) == [None] * 3


def test_tables_of_a_newer_program_are_refused(url: str) -> None:
    """A database from the future is not touched, and the message names its revision."""
    set_revision(url, "9999")
    with pytest.raises(Misconfigured, match="revision 9999"):
        upgrade(url)


def test_the_light_check_tells_old_from_current(sqlite_url: str) -> None:
    """Only a file with the newest tables is current: no file, a file without tables and other revisions are not."""
    path = sqlite_path(sqlite_url)
    outcomes = [is_current(path)]
    path.touch()
    outcomes.append(is_current(path))
    upgrade(sqlite_url)
    outcomes.append(is_current(path))
    set_revision(sqlite_url, "0000")
    outcomes.append(is_current(path))
    assert outcomes == [False, False, True, False]


def test_the_file_is_private(sqlite_url: str) -> None:
    """Nobody but its user may read the database file."""
    upgrade(sqlite_url)
    assert sqlite_path(sqlite_url).stat().st_mode & 0o777 == 0o600


def test_a_path_may_hold_odd_characters(sqlite_url: str) -> None:
    """A data folder may be named as people name folders."""
    folder = sqlite_path(sqlite_url).parent / "50% näch#ste? Woche"
    folder.mkdir()
    url = url_from_sqlite_path(folder / "setaria.db")
    upgrade(url)
    assert (current_revision(url), is_current(sqlite_path(url))) == (HEAD, True)


@pytest.mark.parametrize("url", ["sqlite:///relative.db", "postgresql://host/name"])
def test_a_sqlite_url_names_an_absolute_path(url: str) -> None:
    """Other URLs are not taken for a file."""
    with pytest.raises(ValueError, match="SQLite file"):
        sqlite_path(url)


@pytest.mark.parametrize("module", ["revision", "sqlite.store"])
def test_the_light_modules_load_no_heavy_library(module: str) -> None:
    """A worker on SQLite, and a start that only looks, import neither SQLAlchemy nor Alembic nor asyncpg."""
    program = (
        f"import sys, setaria.adapters.store.{module}; print({{'sqlalchemy', 'alembic', 'asyncpg'}} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
