"""Database: its commands, on real databases of both engines."""

import contextlib
import fcntl
import shutil
import sqlite3
from pathlib import Path

import pytest

from setaria.adapters.store.address import url_from_sqlite_path
from setaria.adapters.store.migrate import current_revision, upgrade
from setaria.adapters.store.revision import HEAD
from tests.cli.running import Run


def account_names(run: Run) -> list[str]:
    """List the accounts that the commands see."""
    return [account["name"] for account in run("accounts", "list", "--json").json()]


def test_a_backup_is_made_and_restored(run: Run, data: Path) -> None:
    """What came after a backup is gone when it is restored, and kept in a file that the command names."""
    run("accounts", "create", "ann")
    made = run("db", "backup", "--json").json()
    assert Path(made["file"]).parent == data / "backups"
    assert (made["size_bytes"], made["has_secret"]) == (Path(made["file"]).stat().st_size, False)
    run("accounts", "create", "bob")
    restored = run("db", "restore", made["file"], "--json").json()
    assert account_names(run) == ["default", "ann"]
    run("db", "restore", restored["backup"])
    assert account_names(run) == ["default", "ann", "bob"]


def test_a_backup_says_that_the_secret_is_not_in_it(run: Run, data: Path, tmp_path: Path) -> None:
    """Whoever makes a backup reads where the secret is."""
    run("accounts", "list")
    ran = run("db", "backup", str(tmp_path / "mine.db"))
    assert ran.out.splitlines() == [
        f"The backup is {tmp_path / 'mine.db'}.",
        f"The server's secret is not in it: keep a copy of {data / 'secret'} apart from it; without it no key works.",
    ]
    assert run("db", "backup", str(tmp_path / "mine.db")).code == 1


def test_a_backup_of_another_secret_is_refused(run: Run, data: Path) -> None:
    """Its keys would not work, so nothing is changed."""
    run("accounts", "create", "ann")
    made = run("db", "backup", "--json").json()["file"]
    kept = shutil.move(made, data.parent / "kept.db")
    shutil.rmtree(data)
    run("accounts", "list")
    ran = run("db", "restore", str(kept))
    assert (ran.code, "another server secret" in ran.err) == (1, True)
    assert account_names(run) == ["default"]


@pytest.mark.parametrize("command", [("upgrade",), ("restore", "{}"), ("move", "--to", "postgresql://nobody@/nothing")])
def test_a_running_server_is_not_disturbed(run: Run, data: Path, command: tuple[str, ...]) -> None:
    """While a server runs, only a backup is made."""
    run("accounts", "list")
    file = run("db", "backup", "--json").json()["file"]
    with (data / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = run("db", *(word.format(file) for word in command))
    assert (ran.code, "another server" in ran.err) == (1, True)


def test_earlier_tables_are_upgraded_after_a_backup(run: Run, data: Path) -> None:
    """Any command brings a SQLite file of an earlier version up to date; the file of before is kept."""
    run("accounts", "create", "ann")
    database = data / "setaria.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        fingerprint = connection.execute("SELECT secret_fingerprint FROM installation").fetchone()[0]
    for file in data.glob("setaria.db*"):
        file.unlink()
    upgrade(url_from_sqlite_path(database), "0002")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO accounts VALUES ('acct_1', 'old', 'active', 1)")
        connection.execute("UPDATE installation SET secret_fingerprint = ?", (fingerprint,))
        connection.commit()
    assert account_names(run) == ["old"]
    (backup,) = (data / "backups").glob("setaria-before-upgrade-from-0002-*.db")
    assert current_revision(url_from_sqlite_path(backup)) == "0002"
    assert run("db", "upgrade").out == "The tables are those of this version; nothing was to be done.\n"


def test_postgres_waits_for_its_upgrade(run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may use the database: commands refuse earlier tables until `db upgrade` was run, which makes a backup."""
    upgrade(postgres_url, "0002")
    monkeypatch.setenv("SETARIA_DATABASE_URL", postgres_url)
    ran = run("accounts", "list")
    assert (ran.code, "setaria db upgrade" in ran.err) == (1, True)
    done = run("db", "upgrade", "--json").json()
    assert (done["was"], Path(done["backup"]).is_file(), current_revision(postgres_url)) == ("0002", True, HEAD)
    assert account_names(run) == ["default"]


def test_everything_moves_to_postgres(run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts and keys are the same there; a second move is refused, and so is one to anywhere else."""
    run("accounts", "create", "ann")
    run("keys", "create", "--account", "ann")
    before = run("keys", "list", "--json").json()
    proofs = {table["id"]: table["rows"] for table in run("db", "move", "--to", postgres_url, "--json").json()}
    assert (proofs["accounts"], proofs["keys"], proofs["installation"]) == (2, 1, 1)
    assert run("db", "move", "--to", postgres_url).code == 1
    assert run("db", "move", "--to", "sqlite:////tmp/other.db").code == 1
    monkeypatch.setenv("SETARIA_DATABASE_URL", postgres_url)
    assert run("keys", "list", "--json").json() == before
    assert account_names(run) == ["default", "ann"]


def test_calls_are_pruned_as_told(run: Run) -> None:
    """Without a number of days nothing is dropped; with too few it is refused."""
    run("accounts", "list")
    assert run("db", "prune", "--json").json() == {"kept_days": 0, "dropped_calls": 0}
    assert run("db", "prune").out.startswith("Calls are kept for ever")
    assert run("db", "prune", "--days", "40").out.startswith("0 calls of more than 40 days ago")
    ran = run("db", "prune", "--days", "34")
    assert (ran.code, "at least 35 days" in ran.err) == (1, True)


def test_too_short_a_retention_is_refused_at_the_start(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server starts that would drop what an account holder still looks at."""
    monkeypatch.setenv("SETARIA_DATABASE_RETENTION_DAYS", "7")
    ran = run("serve")
    assert (ran.code, "retention_days" in ran.err) == (1, True)
