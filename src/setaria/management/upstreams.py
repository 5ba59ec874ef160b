"""Upstreams: what people do with model servers."""

from collections.abc import Mapping

from setaria.core.clock import Clock
from setaria.core.entries import LOCAL, UpstreamEntry
from setaria.core.entry_reading import EntryFault, read_upstream
from setaria.core.errors import InvalidRequest, NotFound
from setaria.domain.catalog.added import Fixed
from setaria.domain.catalog.assembly import ENGINE
from setaria.domain.catalog.ports import CatalogBook

IN_FILE = "is in the configuration file; change it there"


def add_upstream(book: CatalogBook, clock: Clock, fixed: Fixed, content: Mapping[str, object]) -> UpstreamEntry:
    """Add an upstream; running workers know it within a second.

    Takes: content, the settings as a person gave them, by name.
    Raises: InvalidRequest when a setting can't be, or the name is taken.
    """
    try:
        upstream = read_upstream(content)
    except EntryFault as fault:
        raise InvalidRequest(fault.problem) from None
    if upstream.name in {each.name for each in fixed.declared.upstreams}:
        raise InvalidRequest(f"the upstream {upstream.name} {IN_FILE}")
    if upstream.name in {LOCAL, *(each.name for each in book.read_added().upstreams)}:
        raise InvalidRequest(f"there is already an upstream {upstream.name}; remove it first, or take another name")
    book.add_upstream(upstream, clock.now_ms())
    return upstream


def list_upstreams(book: CatalogBook, fixed: Fixed) -> list[UpstreamEntry]:
    """List all upstreams: those of the file, those that were added, oldest first, and the built-in engine."""
    declared = fixed.declared.upstreams
    names = {each.name for each in declared}
    return [*declared, *(each for each in book.read_added().upstreams if each.name not in names), ENGINE]


def find_upstream(book: CatalogBook, fixed: Fixed, name: str) -> UpstreamEntry:
    """Find an upstream by its name.

    Raises: NotFound when there is none.
    """
    for upstream in list_upstreams(book, fixed):
        if upstream.name == name:
            return upstream
    raise NotFound(f"there is no upstream {name[:100]!r}; `setaria upstreams list` shows them all")


def remove_upstream(book: CatalogBook, fixed: Fixed, name: str) -> UpstreamEntry:
    """Remove an upstream that a command has added; calls under way finish.

    Raises: NotFound when there is none; InvalidRequest when it is not for commands to remove, or a model needs it.
    """
    upstream = find_upstream(book, fixed, name)
    if upstream in fixed.declared.upstreams:
        raise InvalidRequest(f"the upstream {name} {IN_FILE}")
    if upstream is ENGINE:
        raise InvalidRequest(f"the upstream {name} is built in and can't be removed")
    for each in book.read_added().models:
        places = {deployment.upstream for deployment in each.entry.deployments}
        if name in places:
            command = f"setaria models remove {each.entry.id}" + (f" --upstream {name}" if len(places) > 1 else "")
            raise InvalidRequest(f"the upstream {name} serves the model {each.entry.id}; first take it away: {command}")
    book.remove_upstream(name)
    return upstream
