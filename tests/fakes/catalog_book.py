"""Catalog book: added upstreams and models in memory."""

from setaria.core.entries import UpstreamEntry
from setaria.domain.catalog.added import Added, AddedModel


class FakeCatalogBook:
    """Implements the port CatalogBook; `changes` counts what would end caches."""

    def __init__(self) -> None:
        self.changes = 0
        self._upstreams: dict[str, UpstreamEntry] = {}
        self._models: dict[str, AddedModel] = {}

    def read_added(self) -> Added:
        return Added(tuple(self._upstreams.values()), tuple(self._models.values()))

    def add_upstream(self, upstream: UpstreamEntry, created_at_ms: int) -> None:
        self.changes += 1
        self._upstreams[upstream.name] = upstream

    def remove_upstream(self, name: str) -> None:
        self.changes += 1
        del self._upstreams[name]

    def put_model(self, model: AddedModel) -> None:
        self.changes += 1
        self._models[model.entry.id] = model

    def remove_model(self, model_id: str) -> None:
        self.changes += 1
        del self._models[model_id]
