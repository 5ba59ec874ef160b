"""Upstreams of a worker: clients come and go with the catalog, and no call is dropped."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from setaria.bootstrap.catalog_reader import CatalogReader
from setaria.bootstrap.upstreams import HttpUpstreams, UpstreamSet, choose_codec
from setaria.config import Settings, load_settings
from setaria.core.entries import DeploymentEntry, ModelEntry, UpstreamEntry
from setaria.core.errors import Misconfigured
from setaria.domain.catalog.added import Added, AddedModel
from setaria.domain.catalog.model import Catalog
from tests.fakes.clock import FakeClock
from tests.fakes.log import FakeLog
from tests.fakes.scripted_upstream import ScriptedUpstream

LOCAL = UpstreamEntry(name="local", kind="local")


def make_entry(name: str, url: str = "http://h/v1", key_file: str = "") -> UpstreamEntry:
    """Make an upstream."""
    return UpstreamEntry(name=name, kind="openai", base_url=url, api_key_file=key_file)


class FakeClient(ScriptedUpstream):
    """A client whose connections are as the test says."""

    def __init__(self, entry: UpstreamEntry) -> None:
        super().__init__()
        self.entry = entry
        self.connections = (1, 1, 0)
        self.ticks = 0
        self.closed = False

    def tick(self, now_s: float) -> None:
        self.ticks += 1

    async def close(self) -> None:
        self.closed = True


class Stage:
    """A set of fake clients; one for an upstream named `bad` can't be made."""

    def __init__(self) -> None:
        self.made: list[FakeClient] = []
        self.log = FakeLog()
        self.engine = ScriptedUpstream()
        self.set = UpstreamSet(self.engine, self.make, FakeClock(), self.log)

    def make(self, entry: UpstreamEntry) -> Any:  # a fake client does not relay
        if entry.name == "bad":
            raise Misconfigured("its key is missing")
        self.made.append(FakeClient(entry))
        return self.made[-1]

    def renew(self, *entries: UpstreamEntry) -> set[str]:
        """Renew the set, and give the names that can be used."""
        return {*self.set.renew({entry.name: entry for entry in entries})}


def test_clients_are_made_once() -> None:
    """An upstream that stays as it is keeps its client, warm connections and all; the engine is one for all names."""
    stage = Stage()
    here = UpstreamEntry(name="here", kind="local")
    assert stage.renew(LOCAL, here, make_entry("a")) == {"local", "here", "a"}
    assert stage.renew(LOCAL, here, make_entry("a"), make_entry("b")) == {"local", "here", "a", "b"}
    assert [client.entry.name for client in stage.made] == ["a", "b"]
    assert stage.set.current == {"local": stage.engine, "here": stage.engine, "a": stage.made[0], "b": stage.made[1]}
    assert [*stage.set.relays] == ["a", "b"]


def test_a_retired_client_ends_its_calls_first() -> None:
    """A changed upstream has a new client at once; the old one is closed when its last call is over."""
    stage = Stage()
    stage.renew(make_entry("a"))
    stage.renew(make_entry("a", "http://other/v1"))
    old, new = stage.made
    old.connections = (2, 1, 0)
    asyncio.run(stage.set.tick())
    before = old.closed
    old.connections = (2, 2, 0)
    asyncio.run(stage.set.tick())
    asyncio.run(stage.set.tick())
    assert (before, old.closed, old.ticks, new.closed, new.ticks) == (False, True, 2, False, 3)
    assert stage.set.current["a"] is new


def test_an_upstream_that_is_gone_is_not_asked_again() -> None:
    """A removed upstream is in no mapping any more."""
    stage = Stage()
    stage.renew(LOCAL, make_entry("a"))
    assert stage.renew(LOCAL) == {"local"}
    assert ([*stage.set.current], [*stage.set.relays]) == (["local"], [])


def test_everything_is_closed_at_the_end() -> None:
    """Current and retired clients are closed."""
    stage = Stage()
    stage.renew(make_entry("a"), make_entry("b"))
    stage.renew(make_entry("a"))
    asyncio.run(stage.set.close())
    assert [client.closed for client in stage.made] == [True, True]


def test_a_client_that_cannot_be_made_is_told() -> None:
    """The log says which upstream can't be used and why; it is tried again at the next change."""
    stage = Stage()
    assert stage.renew(make_entry("bad"), make_entry("a")) == {"a"}
    assert stage.renew(make_entry("bad"), make_entry("a")) == {"a"}
    assert len(stage.log.lines) == 2


class Source:
    """A catalog source in memory."""

    def __init__(self, added: Added) -> None:
        self.added = added

    async def read_catalog(self) -> Added:
        return self.added


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give settings of a file with one upstream."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "setaria.toml"
    file.write_text("[[upstreams]]\nname = 'a'\nkind = 'openai'\nbase_url = 'http://h/v1'\n")
    return load_settings(tmp_path, file)


def test_a_worker_s_catalog_follows_file_and_database(settings: Settings) -> None:
    """Models are offered while their upstream can be used; what is wrong is told once."""
    stage, catalog = Stage(), Catalog(())
    entry = ModelEntry(
        id="m", deployments=(DeploymentEntry(upstream="a", model="M"), DeploymentEntry(upstream="bad", model="M"))
    )
    source = Source(Added((make_entry("bad"),), (AddedModel(entry, 1),)))
    reader = CatalogReader(settings, source, catalog, stage.set, stage.log)
    asyncio.run(reader.renew())
    assert [(model.id, [each.upstream for each in model.deployments]) for model in catalog.models] == [
        ("m", ["a"]),
        ("seedling", ["local"]),
    ]
    source.added = Added((), (AddedModel(entry, 1),))
    told = len(stage.log.lines)
    for _ in range(2):
        asyncio.run(reader.renew())
    assert len(stage.log.lines) == told + 1
    source.added = Added()
    asyncio.run(reader.renew())
    assert [model.id for model in catalog.models] == ["seedling"]


def test_a_model_that_the_engine_lacks_is_not_offered(settings: Settings, tmp_path: Path) -> None:
    """Why is told once; it is offered when its folder is there at the next change."""
    stage, catalog = Stage(), Catalog(())
    folder = tmp_path / "model"
    entry = ModelEntry(id="m", deployments=(DeploymentEntry(upstream="local", model=str(folder)),))
    reader = CatalogReader(settings, Source(Added((), (AddedModel(entry, 1),))), catalog, stage.set, stage.log)
    for _ in range(2):
        asyncio.run(reader.renew())
    assert [model.id for model in catalog.models] == ["seedling"]
    assert stage.log.lines == [
        (
            "error",
            "deployment_unusable",
            {"deployment": f"local/{folder}", "reason": f"there is no folder {folder}"},
        )
    ]
    folder.mkdir()
    for name in ("model.onnx", "tokenizer.json", "config.json"):
        (folder / name).touch()
    asyncio.run(reader.renew())
    assert [model.id for model in catalog.models] == ["m", "seedling"]


def test_an_http_client_has_what_its_entry_says(tmp_path: Path) -> None:
    """It is named and speaks the protocol of its kind; a missing key and a broken file of authorities are told."""
    makers = HttpUpstreams(FakeClock())
    clients = [
        makers.make(make_entry("a")),
        makers.make(UpstreamEntry(name="b", kind="anthropic", base_url="http://h")),
    ]
    assert [(client.name, client.protocol) for client in clients] == [("a", "openai_chat"), ("b", "anthropic_messages")]
    with pytest.raises(Misconfigured, match="can't be read from /nowhere"):
        makers.make(make_entry("c", key_file="/nowhere"))
    with pytest.raises(Misconfigured, match="CA file"):
        makers.make(UpstreamEntry(name="d", kind="openai", base_url="https://h/v1", ca_file=str(tmp_path)))
    with pytest.raises(Misconfigured, match="the built-in engine, which has no address"):
        choose_codec(LOCAL)
