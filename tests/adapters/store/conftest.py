"""Fixtures of the store tests: each runs on both engines."""

import contextlib
from collections.abc import Iterator

import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import upgrade


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a database without tables."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def url(empty_url: str) -> str:
    """Give the URL of a database with all tables, and nothing in them."""
    upgrade(empty_url)
    return empty_url


@pytest.fixture
def control(url: str) -> Iterator[ControlStore]:
    """Give the control plane's store of that database."""
    with contextlib.closing(ControlStore(url)) as store:
        yield store
