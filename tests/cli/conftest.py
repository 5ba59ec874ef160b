"""Fixtures of the command line's tests: an installation of their own and a way to run commands on it."""

import os
from functools import partial
from pathlib import Path

import pytest

from tests.cli.running import Run, run_program


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the data folder that commands find in the environment; nothing is in it yet."""
    for name in [*os.environ]:
        if name.startswith("SETARIA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SETARIA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SETARIA_SERVER_PORT", "0")  # `doctor` binds it
    return tmp_path / "data"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs one command in this process."""
    return partial(run_program, capsys)
