"""Preparation: what a start makes, what it keeps, and what it refuses."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import msgspec.structs
import pytest

from setaria.adapters.secrets.file import create_ring, read_ring
from setaria.bootstrap.commands import open_books, open_books_to_read, open_desk
from setaria.bootstrap.preparation import prepare
from setaria.bootstrap.record_books import Books
from setaria.bootstrap.server_lock import take_server_lock
from setaria.config import DatabaseSettings, Settings, load_settings
from setaria.core.clock import SystemClock
from setaria.core.errors import Misconfigured, OwnError
from setaria.domain.accounts.keys import key_secrets_from_ring, read_key
from setaria.management.keys import create_key, list_keys

IMPORTED = """
import sys
from pathlib import Path
from setaria.bootstrap.preparation import prepare
from setaria.config import load_settings
prepare(load_settings(Path(sys.argv[1]), None))
print("sqlalchemy" in sys.modules)
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an installation that is not there yet."""
    for name in [*os.environ]:
        if name.startswith("SETARIA_"):
            monkeypatch.delenv(name)
    return load_settings(tmp_path / "new" / "data", None)


def test_the_first_start_makes_everything_private(settings: Settings) -> None:
    """Folder, secret and database are made, closed to others, and the first key is told once."""
    text = prepare(settings)
    assert text is not None
    assert settings.data.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in settings.data.iterdir()} == {0}
    with open_books_to_read(settings) as books:
        keys = list_keys(books.accounts, books.keys, "default")
        assert read_key(key_secrets_from_ring(books.ring), text) == keys[0].digest
    assert [key.name for key in keys] == ["first"]
    assert prepare(settings) is None


def test_the_first_key_is_kept_before_it_counts(settings: Settings) -> None:
    """A first key that can't be put into its file is not made, so that a later start makes one."""
    settings.data.mkdir(mode=0o700, parents=True)
    file = settings.data / "first-key"
    file.mkdir()
    for _ in range(2):
        with pytest.raises(Misconfigured, match="first-key: Is a directory; remove what is in its place"):
            prepare(settings)
    file.rmdir()
    assert (prepare(settings) or "") + "\n" == file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


@contextmanager
def start(settings: Settings) -> Iterator[None]:
    """Prepare a start, as if that were a command."""
    prepare(settings)
    yield


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
@pytest.mark.parametrize("opening", [open_books, open_books_to_read, start])
def test_a_lost_database_is_not_made_anew(
    settings: Settings, opening: Callable[[Settings], AbstractContextManager[object]], left: str
) -> None:
    """A data folder that has its secret but no database is refused by commands and by a start of the server."""
    prepare(settings)
    database = settings.data / "setaria.db"
    database.rename(settings.data / "elsewhere")
    if left == "an empty file":
        database.touch()
    with (
        pytest.raises(Misconfigured, match=r"setaria\.db is missing, but .*/secret was made with one.* move .* away"),
        opening(settings),
    ):
        pass
    assert [path.name for path in settings.data.glob("setaria.db*") if path.stat().st_size] == []


@pytest.mark.parametrize("opening", [open_books, open_books_to_read])
def test_a_lost_database_is_made_anew_on_purpose(
    settings: Settings, opening: Callable[[Settings], AbstractContextManager[Books]]
) -> None:
    """Without the old secret a start begins anew, with a new first key."""
    prepare(settings)
    (settings.data / "setaria.db").unlink()
    settings.server.secret_file.unlink()
    assert prepare(settings) is not None
    with opening(settings) as books:
        assert len(list_keys(books.accounts, books.keys, None)) == 1


def test_a_secret_from_elsewhere_says_nothing_of_a_database(settings: Settings, tmp_path: Path) -> None:
    """Where the secret is handed in from outside, commands make what is missing as ever."""
    create_ring(tmp_path / "secret")
    server = msgspec.structs.replace(settings.server, secret_file=tmp_path / "secret")
    with open_books_to_read(msgspec.structs.replace(settings, server=server)) as books:
        assert len(books.accounts.list_accounts()) == 1


def test_processes_that_start_together_make_one_key(settings: Settings) -> None:
    """Whoever comes first makes the key, the others find it."""
    with ThreadPoolExecutor(4) as pool:
        texts = [*pool.map(prepare, [settings] * 4)]
    assert len([text for text in texts if text is not None]) == 1
    with open_books_to_read(settings) as books:
        assert len(list_keys(books.accounts, books.keys, None)) == 1
        assert len(books.accounts.list_accounts()) == 1


def test_a_later_start_is_light(settings: Settings) -> None:
    """A start with nothing to do does not load the libraries that manage."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", IMPORTED, settings.data], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert outputs == ["True\n", "False\n"]


def test_a_lost_secret_is_refused(settings: Settings) -> None:
    """A new secret is never put in the place of one that keys depend on."""
    prepare(settings)
    settings.server.secret_file.unlink()
    for _ in range(2):
        with pytest.raises(Misconfigured, match=r"secret is missing, but the database was made with one"):
            prepare(settings)
    assert not settings.server.secret_file.exists()


def test_another_secret_is_refused(settings: Settings, tmp_path: Path) -> None:
    """A database never works with a secret it was not made with."""
    prepare(settings)
    create_ring(tmp_path / "other")
    shutil.copy(tmp_path / "other", settings.server.secret_file)
    settings.server.secret_file.chmod(0o600)
    with pytest.raises(OwnError, match="secret"):
        prepare(settings)


def leave_a_dead_worker(settings: Settings) -> None:
    """Put a worker on the books that holds a place of a call, as after kill -9."""
    with closing(sqlite3.connect(settings.data / "setaria.db")) as database, database:
        (account,) = database.execute("SELECT id FROM accounts").fetchone()
        database.execute(
            "INSERT INTO allowances VALUES ('al_1', ?, 'in_flight', 'seedling', 0, 15, 16, 0, 0, NULL)", (account,)
        )
        database.execute("INSERT INTO leases VALUES ('w1', 'al_1', 0, 1)")
        database.execute("INSERT INTO workers (id, node, started_at_ms, seen_at_ms) VALUES ('w1', 'n', 0, 1e14)")


def read_held(settings: Settings) -> tuple[int, int, int]:
    """Tell how many workers and leases there are, and what of the allowance is there."""
    counts = "(SELECT COUNT(*) FROM workers), (SELECT COUNT(*) FROM leases)"
    question = f"SELECT {counts}, available FROM allowances WHERE id = 'al_1'"
    with closing(sqlite3.connect(settings.data / "setaria.db")) as database:
        held: tuple[int, int, int] = database.execute(question).fetchone()
    return held


@contextmanager
def act(settings: Settings) -> Iterator[None]:
    """Begin an action that needs leases home."""
    with open_desk(settings):
        yield


@pytest.mark.parametrize("opening", [act, start])
def test_dead_workers_are_given_up(
    settings: Settings, opening: Callable[[Settings], AbstractContextManager[object]]
) -> None:
    """What workers hold that died with their server is back at the next start or action, but while a server runs."""
    prepare(settings)
    leave_a_dead_worker(settings)
    lock = take_server_lock(settings.data, SystemClock())
    with opening(settings):
        assert read_held(settings) == (1, 1, 15)
    os.close(lock)
    with opening(settings):
        assert read_held(settings) == (0, 0, 16)


def test_a_longer_ring_goes_on(settings: Settings, tmp_path: Path) -> None:
    """With a new secret at its end the ring still fits, old keys are read, and new ones are made with it."""
    text = prepare(settings)
    assert text is not None
    newest = create_ring(tmp_path / "other").newest_id
    with settings.server.secret_file.open("a") as file:
        file.write((tmp_path / "other").read_text())
    assert prepare(settings) is None
    secrets = key_secrets_from_ring(read_ring(settings.server.secret_file))
    with open_books(settings) as books:
        key, _ = create_key(books, "default", "second")
        assert key.secret_id == newest
        assert read_key(secrets, text) == books.keys.list_keys(None)[0].digest


def test_what_fails_is_not_kept(settings: Settings) -> None:
    """A command that fails half-way leaves nothing behind."""

    def fail_half_way() -> None:
        with open_books(settings) as books:
            create_key(books, "default", "second")
            raise ZeroDivisionError

    prepare(settings)
    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with open_books_to_read(settings) as books:
        assert [key.name for key in list_keys(books.accounts, books.keys, None)] == ["first"]


def test_postgres_is_prepared_too(settings: Settings, postgres_url: str) -> None:
    """On PostgreSQL the same is made, the second start finds it, and a second machine needs the same secret."""
    settings = msgspec.structs.replace(settings, database=DatabaseSettings(url=postgres_url))
    assert prepare(settings) is not None
    assert prepare(settings) is None
    settings.server.secret_file.unlink()
    with pytest.raises(Misconfigured, match="put it back from a backup"):
        prepare(settings)
