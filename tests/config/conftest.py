"""Fixtures of the settings' tests: a file in a folder of its own, and none of this machine's settings."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from setaria.config import Settings, load_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the configuration file's path, in a home folder of its own."""
    for name in [*os.environ]:
        if name.startswith("SETARIA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "setaria.toml"


@pytest.fixture
def load(file: Path) -> Callable[[str], Settings]:
    """Write a configuration file and read it."""

    def load(text: str) -> Settings:
        file.write_text(text, encoding="utf-8")
        return load_settings(None, file)

    return load
