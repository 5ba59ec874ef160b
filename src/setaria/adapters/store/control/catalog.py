"""Catalog: implements the port CatalogBook within one transaction."""

from sqlalchemy import Connection, Table, delete, insert, text, update

from setaria.adapters.store.entries import READ_CATALOG, added_from_rows, text_from_entry
from setaria.adapters.store.schema import changes, models, upstreams
from setaria.core.entries import UpstreamEntry
from setaria.domain.catalog.added import Added, AddedModel


class CatalogTable:
    """Added upstreams and models, as people manage them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_added(self) -> Added:
        """Read everything that was added, oldest first."""
        return added_from_rows(self._connection.execute(text(READ_CATALOG)))

    def add_upstream(self, upstream: UpstreamEntry, created_at_ms: int) -> None:
        """Insert a new upstream and count up the change counter."""
        self._insert(upstreams, name=upstream.name, entry=text_from_entry(upstream), created_at_ms=created_at_ms)

    def remove_upstream(self, name: str) -> None:
        """Delete an upstream, if it is there, and count up the change counter."""
        self._connection.execute(delete(upstreams).where(upstreams.c.name == name))
        self._count_up()

    def put_model(self, model: AddedModel) -> None:
        """Insert a model, or replace the entry of the one that has its id, and count up the change counter."""
        entry = text_from_entry(model.entry)
        changed = self._connection.execute(update(models).where(models.c.id == model.entry.id).values(entry=entry))
        if changed.rowcount == 0:
            self._insert(models, id=model.entry.id, entry=entry, created_at_ms=model.created_at_ms)
        else:
            self._count_up()

    def remove_model(self, model_id: str) -> None:
        """Delete a model, if it is there, and count up the change counter."""
        self._connection.execute(delete(models).where(models.c.id == model_id))
        self._count_up()

    def _insert(self, table: Table, **values: str | int) -> None:
        self._connection.execute(insert(table).values(**values))
        self._count_up()

    def _count_up(self) -> None:
        self._connection.execute(update(changes).values(counter=changes.c.counter + 1))
