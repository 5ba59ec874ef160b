"""Added: the upstreams and models that commands have added, and what of the catalog commands can't change."""

import msgspec

from setaria.core.entries import Entries, ModelEntry, UpstreamEntry


class AddedModel(msgspec.Struct, frozen=True):
    """A model that a command has added, and when."""

    entry: ModelEntry
    created_at_ms: int


class Added(msgspec.Struct, frozen=True):
    """Everything that commands have added, oldest first."""

    upstreams: tuple[UpstreamEntry, ...] = ()
    models: tuple[AddedModel, ...] = ()


class Fixed(msgspec.Struct, frozen=True):
    """What commands can't change: the entries of the file, and the built-in models, by id."""

    declared: Entries = Entries()
    built_in: tuple[str, ...] = ()


NOTHING_ADDED = Added()
