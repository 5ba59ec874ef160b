"""Entries: the rows of added upstreams and models, to be kept as JSON and read by both engines' stores."""

from collections.abc import Iterable
from typing import Any

import msgspec

from setaria.core.entries import ModelEntry, UpstreamEntry
from setaria.domain.catalog.added import Added, AddedModel

# One statement, so that both tables are seen as they are at one moment.
READ_CATALOG = """
    SELECT 'upstream' AS kind, name, entry, created_at_ms FROM upstreams
    UNION ALL SELECT 'model', id, entry, created_at_ms FROM models
    ORDER BY created_at_ms, name
"""


def text_from_entry(entry: UpstreamEntry | ModelEntry) -> str:
    """Write an entry as JSON."""
    return msgspec.json.encode(entry).decode()


def added_from_rows(rows: Iterable[Any]) -> Added:  # what SQL gives has no types
    """Read the rows of `READ_CATALOG`; settings that a newer version has put into an entry are passed over."""
    upstreams, models = [], []
    for kind, _, entry, created_at_ms in rows:
        if kind == "upstream":
            upstreams.append(msgspec.json.decode(entry, type=UpstreamEntry))
        else:
            models.append(AddedModel(msgspec.json.decode(entry, type=ModelEntry), created_at_ms))
    return Added(tuple(upstreams), tuple(models))
