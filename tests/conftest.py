"""Fixtures that many tests ask for."""

from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock

pytest_plugins = ["tests.postgres"]


@pytest.fixture
def fake_clock() -> FakeClock:
    """Give a clock that stands still until it is told to go on."""
    return FakeClock()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Give an empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def sqlite_url(data_folder: Path) -> str:
    """Give the URL of a SQLite file that is not there yet."""
    return f"sqlite:///{data_folder / 'setaria.db'}"
