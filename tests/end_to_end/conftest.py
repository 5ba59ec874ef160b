"""Fixtures: a platform with the real engine that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.running import Running, running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a running platform on SQLite, shared by tests that do it no harm."""
    with running(tmp_path_factory.mktemp("platform") / "data") as started:
        yield started


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a data folder for a platform of the test's own."""
    return tmp_path / "data"
