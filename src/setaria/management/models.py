"""Models: what people do with the models that callers may name."""

from collections.abc import Mapping

import msgspec

from setaria.core.clock import Clock
from setaria.core.entries import ModelEntry
from setaria.core.entry_reading import EntryFault, hint, names_of, read_model
from setaria.core.errors import InvalidRequest, NotFound
from setaria.domain.catalog.added import AddedModel, Fixed
from setaria.domain.catalog.ports import CatalogBook
from setaria.management.upstreams import IN_FILE, list_upstreams

_OF_A_DEPLOYMENT = frozenset({"id", "deployments"})


def add_model(book: CatalogBook, clock: Clock, fixed: Fixed, content: Mapping[str, object]) -> ModelEntry:
    """Add a model, or give one that a command has added a further deployment; workers know it within a second.

    Takes: content, the settings as a person gave them, by name.
    Raises: InvalidRequest when a setting can't be, an upstream is not there, or a name is taken.
    """
    entry = _read(content)
    _check_upstreams(book, fixed, entry)
    if entry.id in {each.id for each in fixed.declared.models}:
        raise InvalidRequest(f"the model {entry.id} {IN_FILE}")
    known = {each.entry.id: each for each in book.read_added().models}
    found = known.get(entry.id)
    if found is not None:
        return _add_deployments(book, found, entry, content)
    taken = {*fixed.built_in}
    for other in (*fixed.declared.models, *(each.entry for each in known.values())):
        taken.update(names_of(other))
    for name in names_of(entry):
        if name in taken:
            raise InvalidRequest(f"there is already a model with the name {name}; take another one")
    book.put_model(AddedModel(entry, clock.now_ms()))
    return entry


def remove_model(book: CatalogBook, fixed: Fixed, model_id: str) -> ModelEntry:
    """Remove a model that a command has added; calls under way finish.

    Raises: NotFound when there is none; InvalidRequest when it is not for commands to remove.
    """
    found = _find_added(book, fixed, model_id)
    book.remove_model(model_id)
    return found.entry


def remove_deployments(book: CatalogBook, fixed: Fixed, model_id: str, upstream: str) -> ModelEntry:
    """Take a model that a command has added away from an upstream; calls under way finish.

    Raises: NotFound when there is no such model, or it is not there; InvalidRequest when nothing would serve it.
    """
    found = _find_added(book, fixed, model_id)
    left = tuple(each for each in found.entry.deployments if each.upstream != upstream)
    if left == found.entry.deployments:
        raise NotFound(f"the model {model_id} is not on the upstream {upstream[:100]!r}; see `setaria models list`")
    if not left:
        raise InvalidRequest(f"nothing else serves the model {model_id}; remove it: setaria models remove {model_id}")
    entry = msgspec.structs.replace(found.entry, deployments=left)
    book.put_model(AddedModel(entry, found.created_at_ms))
    return entry


def _read(content: Mapping[str, object]) -> ModelEntry:
    try:
        return read_model(content)
    except EntryFault as fault:
        raise InvalidRequest(fault.problem) from None


def _check_upstreams(book: CatalogBook, fixed: Fixed, entry: ModelEntry) -> None:
    names = [each.name for each in list_upstreams(book, fixed)]
    for deployment in entry.deployments:
        if deployment.upstream not in names:
            raise NotFound(f"there is no upstream {deployment.upstream}{hint(deployment.upstream, names)}")


def _add_deployments(
    book: CatalogBook, found: AddedModel, entry: ModelEntry, content: Mapping[str, object]
) -> ModelEntry:
    """Put a model on further upstreams; nothing else of it changes."""
    others = sorted(content.keys() - _OF_A_DEPLOYMENT)
    if others:
        raise InvalidRequest(
            f"there is already a model {entry.id}; a further deployment can't change its {', '.join(others)}: "
            "leave that out, or remove the model first"
        )
    merged = msgspec.structs.replace(found.entry, deployments=(*found.entry.deployments, *entry.deployments))
    _read(msgspec.to_builtins(merged))
    book.put_model(AddedModel(merged, found.created_at_ms))
    return merged


def _find_added(book: CatalogBook, fixed: Fixed, model_id: str) -> AddedModel:
    for each in book.read_added().models:
        if each.entry.id == model_id:
            return each
    if model_id in {each.id for each in fixed.declared.models}:
        raise InvalidRequest(f"the model {model_id} {IN_FILE}")
    if model_id in fixed.built_in:
        raise InvalidRequest(f"the model {model_id} is built in and can't be removed")
    raise NotFound(f"there is no model {model_id[:100]!r}; `setaria models list` shows them all")
