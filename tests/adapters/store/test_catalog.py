"""Contract of both stores for upstreams and models: what commands add is what workers read."""

import asyncio

import msgspec
import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.core.entries import DeploymentEntry, ModelEntry, Timeouts, UpstreamEntry
from setaria.core.errors import OwnError
from setaria.domain.catalog.added import Added, AddedModel
from tests.adapters.store.samples import opened

UPSTREAM = UpstreamEntry(
    name="vllm-1",
    kind="openai",
    base_url="http://h/v1",
    api_key_env="VLLM_KEY",
    headers={"x-team": "blue"},
    pass_fields=("service_tier",),
    concurrency=8,
)
OTHER = UpstreamEntry(name="claude", kind="anthropic", base_url="https://h", api_key_file="/k", ca_file="/ca.pem")
MODEL = AddedModel(
    ModelEntry(
        id="pro",
        aliases=("pro[1m]",),
        timeouts=Timeouts(connect_s=0.5),
        deployments=(DeploymentEntry(upstream="vllm-1", model="org/Pro", thinking_style="enable_thinking"),),
    ),
    5,
)


def read_as_a_worker(url: str) -> tuple[Added, int]:
    """Read the catalog and the change counter on the hot path."""

    async def run() -> tuple[Added, int]:
        async with opened(url) as store:
            return await store.read_catalog(), await store.read_change_counter()

    return asyncio.run(run())


def test_nothing_is_added_at_first(url: str) -> None:
    """A new database has no upstreams and models."""
    assert read_as_a_worker(url) == (Added(), 0)


def test_what_was_added_is_read_whole(url: str, control: ControlStore) -> None:
    """Every setting comes back as it was given, oldest first, and each change is counted."""
    with control.begin() as books:
        books.add_upstream(UPSTREAM, 2)
        books.add_upstream(OTHER, 1)
        books.put_model(MODEL)
    expected = Added((OTHER, UPSTREAM), (MODEL,))
    with control.read() as books:
        assert books.read_added() == expected
    assert read_as_a_worker(url) == (expected, 3)


def test_a_model_is_replaced(url: str, control: ControlStore) -> None:
    """A model that is put again has its new entry and its old age."""
    entry = msgspec.structs.replace(MODEL.entry, description="new")
    with control.begin() as books:
        books.put_model(MODEL)
        books.put_model(AddedModel(entry, 9))
    assert read_as_a_worker(url) == (Added((), (AddedModel(entry, 5),)), 2)


def test_what_was_removed_is_gone(url: str, control: ControlStore) -> None:
    """Only what is named goes, and each change is counted."""
    with control.begin() as books:
        books.add_upstream(UPSTREAM, 1)
        books.add_upstream(OTHER, 2)
        books.put_model(MODEL)
        books.remove_upstream(UPSTREAM.name)
        books.remove_model(MODEL.entry.id)
    assert read_as_a_worker(url) == (Added((OTHER,), ()), 5)


def test_a_name_is_there_once(control: ControlStore) -> None:
    """A second upstream of one name is refused."""
    with control.begin() as books:
        books.add_upstream(UPSTREAM, 1)
    with pytest.raises(OwnError), control.begin() as books:
        books.add_upstream(UPSTREAM, 2)
    with control.read() as books:
        assert books.read_added() == Added((UPSTREAM,), ())
