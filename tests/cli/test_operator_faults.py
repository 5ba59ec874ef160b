"""Operator's faults: what is wrong with the machine is one line that says what to do, never a traceback or a defect."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from tests.cli.running import Run

PROGRAM = "from setaria.cli.main import main; main()"


def start(*arguments: str, output: str = os.devnull, **environment: str) -> tuple[int, str]:
    """Run the program as a process of its own, its output into a file; gives exit code and standard error."""
    with Path(output).open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
            env=os.environ | environment,
            timeout=60,
        )
    return done.returncode, done.stderr.decode()


def finding(run: Run, name: str) -> tuple[bool, str, str]:
    """Give what doctor found out about one thing."""
    ran = run("doctor")
    lines = ran.out.splitlines()
    (index,) = (index for index, line in enumerate(lines) if line[6:18].strip() == name)
    is_well = lines[index].startswith("ok")
    assert ran.code == (0 if is_well else 1)
    return is_well, lines[index], "" if is_well else lines[index + 1].strip()


@pytest.mark.parametrize(
    "arguments", [["accounts", "list"], ["accounts", "list", "--json"], ["usage", "--csv"], ["doctor"], ["--help"]]
)
def test_an_output_that_is_full(arguments: list[str]) -> None:
    """A command whose output can't be written has failed, and says so."""
    code, told = start(*arguments, output="/dev/full")
    assert code == 1
    assert told == "setaria: the system does not let this be done: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("arguments", [["accounts", "list"], ["serve", "--port", "0"], ["config", "show"]])
@pytest.mark.parametrize("where", ["--data", "--config", "SETARIA_SECRET_FILE", "HOME"])
def test_a_path_that_is_no_text(arguments: list[str], where: str) -> None:
    """A path that is not UTF-8 is refused before anything is made there."""
    odd = os.fsdecode(b"/tmp/\xff")
    environment = {where: odd, "SETARIA_DATA": ""} if where == "HOME" else {where: odd}
    is_flag = where.startswith("--")
    code, told = start(*([where, odd] if is_flag else []), *arguments, **({} if is_flag else environment))
    assert (code, told.count("\n"), "is not UTF-8 text; choose another" in told) == (1, 1, True)
    assert not Path(odd).exists()


@pytest.mark.parametrize("flag", ["--data", "--config"])
def test_an_empty_path(run: Run, flag: str) -> None:
    """A flag without a path is a shell variable that was not set, and is refused."""
    ran = run(flag, "", "accounts", "list")
    assert (ran.code, f"{flag}: a path is missing" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["keys", "create", "--networks", ""], "--networks: a value is missing"),
        (["keys", "create", "--models", "seedling", "--models", " , "], "--models: a value is missing"),
        (["upstreams", "add", "a", "--base-url", "http://a/v1", "--key-file", ""], "--key-file: a value is missing"),
        (["upstreams", "add", "a", "--base-url", "http://a/v1", "--ca-file", ""], "--ca-file: a value is missing"),
        (["upstreams", "add", "a", "--base-url", "http://a/v1", "--key-env", ""], "--key-env: a value is missing"),
        (["models", "add", "a", "--local", ""], "--local: a value is missing"),
    ],
)
def test_an_empty_value_is_no_value(run: Run, arguments: list[str], problem: str) -> None:
    """It is a shell variable that was not set, and never means no restriction, or this folder."""
    ran = run(*arguments)
    assert (ran.code, problem in " ".join(ran.err.replace("│", " ").split())) == (2, True)
    assert run("keys", "list", "--json").json() == []


@pytest.mark.parametrize(
    "name, problem",
    [
        ("first-key", "the first API key can't be written to {}: Is a directory; remove what is in its place"),
        ("server.lock", "the file {} can't be opened: Is a directory; remove it, or make it this user's own"),
        ("secret", "the secret file {} can't be read: Is a directory"),
        ("run", "the folder {} can't be made: File exists; remove what is in its place"),
    ],
)
def test_what_stands_in_the_way_of_a_start(data: Path, name: str, problem: str) -> None:
    """A file or folder in the place of another ends a start in plain words."""
    data.mkdir(mode=0o700)
    if name == "run":
        (data / name).touch()
    else:
        (data / name).mkdir(mode=0o700)
    code, told = start("serve", "--port", "0")
    assert (code, told.splitlines()[0]) == (1, f"setaria: {problem.format(data / name)}")
    assert ("Traceback" in told, "defect" in told) == (False, False)


def test_tables_of_a_newer_version(run: Run, data: Path) -> None:
    """Tables that this version does not know are refused by commands and told by doctor."""
    run("accounts", "list")
    with closing(connect(data / "setaria.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    is_well, says, mend = finding(run, "database")
    assert (is_well, "has tables of revision 9999" in says) == (False, True)
    assert mend == "Install the newer version that made them, or restore a backup."
    assert "start the newer version that made them" in run("accounts", "list").err


@pytest.mark.parametrize("damage_from", [0, 4096])
def test_a_damaged_database(run: Run, data: Path, damage_from: int) -> None:
    """A damaged file is told as that by commands, by doctor and by the server's start."""
    run("accounts", "list")
    file = data / "setaria.db"
    content = file.read_bytes()
    file.write_bytes(content[:damage_from] + b"\xff" * (len(content) - damage_from))
    is_well, says, mend = finding(run, "database")
    assert (is_well, "the database file is damaged" in says, mend) == (False, True, "Restore a backup.")
    ran = run("accounts", "list")
    assert (ran.code, ran.err.startswith("setaria: the database file is damaged (")) == (1, True)
    code, told = start("serve", "--port", "0")
    assert (code, "restore a backup" in told, "Traceback" in told) == (1, True, False)


def test_damage_in_the_middle(run: Run, data: Path) -> None:
    """Doctor reads the whole file, so that it finds what no command has met yet."""
    run("accounts", "list")
    file = data / "setaria.db"
    content = file.read_bytes()
    file.write_bytes(content[:-4096] + b"\xff" * 4096)
    assert run("accounts", "list").code == 0
    is_well, says, mend = finding(run, "database")
    assert (is_well, "the database file is damaged (" in says, mend) == (False, True, "Restore a backup.")


@pytest.mark.parametrize(
    "is_there, says", [(False, "is missing, but the database was made with one"), (True, "put the secret file back")]
)
def test_a_secret_that_does_not_fit(run: Run, data: Path, tmp_path: Path, is_there: bool, says: str) -> None:
    """Doctor tells a secret that has gone, and one of another installation, as commands and a start do."""
    run("accounts", "list")
    (data / "secret").unlink()
    if is_there:
        run("--data", str(tmp_path / "other"), "accounts", "list")
        (tmp_path / "other" / "secret").rename(data / "secret")
    is_well, line, mend = finding(run, "secret")
    assert (is_well, says in line, mend) == (False, True, "Mend or restore the file; keys depend on it.")
    assert says in run("accounts", "list").err


def test_a_lock_that_can_not_be_taken(run: Run, data: Path) -> None:
    """Doctor takes the lock as a writer does, for a database that can only be read is of no use."""
    run("accounts", "list")
    lock = data / "setaria.db.lock"
    lock.unlink()
    lock.mkdir()
    is_well, says, mend = finding(run, "database")
    assert (is_well, "Is a directory" in says) == (False, True)
    assert mend == "Check the owner of the file and its lock, and free space, and database.url."


def test_a_database_that_has_gone(run: Run, data: Path) -> None:
    """Doctor tells a database that was lost from one that was never made."""
    assert finding(run, "database")[0]
    run("accounts", "list")
    (data / "setaria.db").unlink()
    is_well, says, mend = finding(run, "database")
    assert (is_well, "is missing" in says) == (False, True)
    assert mend == "Restore a backup; to begin anew, move the secret file away and start the server."
    assert run("accounts", "list").code == 1
    code, told = start("--data", str(data), "serve", "--port", "0")
    assert (code, "restore the database from a backup, or, to begin anew" in told) == (1, True)
    assert not (data / "setaria.db").exists()


def test_a_secret_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A way to send alerts without its secret is refused by a start, and told by doctor."""
    monkeypatch.setenv("SETARIA_ALERTS_WEBHOOK_URL", "http://127.0.0.1:9/hook")
    monkeypatch.setenv("SETARIA_ALERTS_WEBHOOK_SECRET_ENV", "NOT_SET")
    is_well, says, _ = finding(run, "keys")
    assert (is_well, "NOT_SET is not set or empty; the webhook takes its secret from it" in says) == (False, True)
    code, told = start("serve", "--port", "0")
    assert (code, told.startswith("setaria: the environment variable NOT_SET is not set")) == (1, True)
