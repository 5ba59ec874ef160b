"""Program: settings, models, health, version, and the program as a shell starts it."""

import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from setaria import __version__
from tests.cli.running import Run

CHECKS = ["python", "settings", "keys", "data folder", "disk", "secret", "database", "port", "engine"]


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from setaria.cli.main import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_the_version_is_told(run: Run) -> None:
    """For people in a line, for programs as JSON."""
    assert run("version").out.startswith(f"Setaria {__version__} (Python {platform.python_version()}, ")
    assert run("version", "--json").json()["version"] == __version__


def test_the_models_are_listed(run: Run) -> None:
    """The built-in model is there, with what it can."""
    model = run("models", "list", "--json").json()[0]
    assert (model["id"], model["upstreams"]) == ("seedling", ["local"])
    assert [line.split()[0] for line in run("models", "list").out.splitlines()] == ["ID", "seedling"]


def test_the_settings_are_shown_with_their_source(run: Run, data: Path) -> None:
    """Each setting says who set it; a password is hidden."""
    data.mkdir()
    file = data / "setaria.toml"
    file.write_text("[database]\nurl = 'postgresql://ann:p4ss@h/n'\n")
    shown = {each["id"]: each for each in run("config", "show", "--json").json()}
    assert shown["data"] == {"id": "data", "value": str(data), "source": "SETARIA_DATA"}
    assert shown["server.port"] == {"id": "server.port", "value": 0, "source": "SETARIA_SERVER_PORT"}
    assert shown["database.url"]["value"] == "postgresql://ann:***@h/n"
    table = run("config", "show").out
    assert "p4ss" not in table
    assert f"{file}:2" in table


def test_flags_choose_the_installation(run: Run, tmp_path: Path) -> None:
    """--data and --config win over the environment."""
    file = tmp_path / "other.toml"
    file.write_text("[server]\nworkers = 2\n")
    shown = run("--data", str(tmp_path / "other"), "--config", str(file), "config", "show", "--json").json()
    lines = {each["id"]: (each["value"], each["source"]) for each in shown}
    assert lines["data"] == (str(tmp_path / "other"), "--data")
    assert lines["server.workers"] == (2, f"{file}:2")


def test_a_wrong_setting_is_refused_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the command, a wrong setting is exit code 1 and no traceback."""
    monkeypatch.setenv("SETARIA_SERVER_WORKRES", "2")
    for command in (["config", "show"], ["keys", "list"], ["models", "list"], ["serve"]):
        ran = run(*command)
        expected = "setaria: SETARIA_SERVER_WORKRES is no setting; did you mean SETARIA_SERVER_WORKERS?\n"
        assert (ran.code, ran.out, ran.err) == (1, "", expected)


def test_a_data_folder_that_cannot_be_is_refused(run: Run, tmp_path: Path) -> None:
    """A file in the folder's place is told."""
    (tmp_path / "file").touch()
    ran = run("--data", str(tmp_path / "file" / "data"), "keys", "list")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "name another one with --data or SETARIA_DATA" in ran.err


@pytest.mark.parametrize("arguments", [["keys", "revoke"], ["nothing"], ["serve", "--port", "65536"], ["keys"]])
def test_wrong_usage_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    """A command that can't be meant is told as such."""
    assert run(*arguments).code == 2


def test_a_defect_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody expected ends the command without a traceback."""

    def fail() -> str:
        raise RuntimeError("odd\nthings")

    monkeypatch.setattr(platform, "python_version", fail)
    ran = run("version")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "setaria: this is a defect of Setaria, please report it: RuntimeError: odd things\n"


def test_a_well_installation_has_no_complaints(run: Run) -> None:
    """Before the first start and after it every check is fine, and nothing is made by checking."""
    for _ in range(2):
        findings = run("doctor", "--json").json()
        assert [finding["id"] for finding in findings] == CHECKS
        assert [finding for finding in findings if not finding["ok"]] == []
        run("accounts", "list")
    assert [line[:4] for line in run("doctor").out.splitlines()] == ["ok  "] * len(CHECKS)


def test_what_is_wrong_comes_with_its_remedy(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing broken fails its own check, says how to mend it, and makes the exit code 1."""
    run("accounts", "list")
    data.chmod(0o755)
    (data / "secret").chmod(0o644)
    (data / "setaria.db").write_bytes(b"no database" * 1000)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken.setblocking(False)
        monkeypatch.setenv("SETARIA_SERVER_PORT", str(taken.getsockname()[1]))
        ran = run("doctor")
    assert ran.code == 1
    lines = ran.out.splitlines()
    failed = [(line[6:18].strip(), lines[index + 1].strip()) for index, line in enumerate(lines) if line[:4] == "FAIL"]
    assert [name for name, _ in failed] == ["data folder", "secret", "database", "port"]
    assert failed[0][1] == f"Close it: chmod 700 {data}"
    assert all(remedy.endswith((".", "configuration", str(data))) for _, remedy in failed)


def test_a_wrong_setting_stops_the_checks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings there is nothing more to check."""
    monkeypatch.setenv("SETARIA_SERVER_PORT", "x")
    ran = run("doctor")
    assert ran.code == 1
    assert [line[:16] for line in ran.out.splitlines()[:2]] == ["ok    python    ", "FAIL  settings  "]


def test_the_program_loads_little() -> None:
    """Help and version load none of the large libraries, so that they are there at once."""
    script = (
        "import sys\n"
        "from setaria.cli.main import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*{'sqlalchemy', 'alembic', 'starlette', 'onnxruntime', 'asyncpg'} & sys.modules.keys())\n"
    )
    for arguments in (["--help"], ["version"]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "")


def test_shells_can_complete_commands() -> None:
    """A shell that asks what could follow is told the commands."""
    done = start(_SETARIA_COMPLETE="complete_bash", COMP_WORDS="setaria keys ", COMP_CWORD="2")
    assert done.stdout.split() == ["create", "list", "rotate", "disable", "enable", "revoke", "delete"]


def test_a_process_ends_with_its_exit_code() -> None:
    """A shell sees what a command says: on its outputs and in its exit code."""
    done = start("keys", "revoke", "key_1")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "setaria: there is no key 'key_1'; `setaria keys list` shows the ids of all keys\n"
