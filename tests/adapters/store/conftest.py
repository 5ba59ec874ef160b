"""Fixtures of the store tests: each runs on both engines."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import upgrade
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database without tables."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def upgraded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite file with all tables, of which others are copied."""
    file = tmp_path_factory.mktemp("upgraded") / "setaria.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def upgraded_sqlite_url(sqlite_url: str, upgraded_file: Path) -> str:
    """Give the URL of a SQLite file with all tables."""
    shutil.copy(upgraded_file, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture
def upgraded_postgres_url(postgres_server: PostgresServer, upgraded_postgres: str) -> str:
    """Give the URL of a PostgreSQL database with all tables."""
    return postgres_server.create_database(upgraded_postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database with all tables, and nothing in them.

    It is a copy: making the tables by all migrations takes a second or more each time.
    """
    url: str = request.getfixturevalue(f"upgraded_{request.param}_url")
    return url


@pytest.fixture
def control(url: str) -> Iterator[ControlStore]:
    """Give the control plane's store of that database."""
    with contextlib.closing(ControlStore(url)) as store:
        yield store
