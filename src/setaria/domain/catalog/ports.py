"""Ports: what the catalog needs from outside."""

from typing import Protocol

from setaria.core.entries import UpstreamEntry
from setaria.domain.catalog.added import Added, AddedModel


class CatalogSource(Protocol):
    """Reads what commands have added, for the data plane."""

    async def read_catalog(self) -> Added:
        """Read all of it as it is at one moment.

        Raises: Unavailable when the store can't be read.
        """
        ...


class CatalogBook(Protocol):
    """Added upstreams and models as people manage them, inside the caller's transaction.

    Every change counts up the change counter.
    """

    def read_added(self) -> Added:
        """Read all of it, oldest first."""
        ...

    def add_upstream(self, upstream: UpstreamEntry, created_at_ms: int) -> None:
        """Insert a new upstream."""
        ...

    def remove_upstream(self, name: str) -> None:
        """Delete an upstream, if it is there."""
        ...

    def put_model(self, model: AddedModel) -> None:
        """Insert a model, or replace the entry of the one that has its id."""
        ...

    def remove_model(self, model_id: str) -> None:
        """Delete a model, if it is there."""
        ...
