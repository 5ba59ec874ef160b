"""Assembly: makes one catalog of what is built in, what the file says and what commands have added.

Who comes first has a name: the file, then the database by age, then what is built in. Whoever comes later with the name
of a model or upstream that is there already is left out. An alias that is taken is dropped, and so is a deployment
whose upstream is not there; a model without any deployment is left out too.
"""

from collections.abc import Callable, Collection, Iterator

import msgspec

from setaria.core.entries import (
    LOCAL,
    DeploymentEntry,
    Entries,
    ModelEntry,
    ThinkingStyle,
    UpstreamEntry,
)
from setaria.core.traits import Traits
from setaria.domain.catalog.added import Added
from setaria.domain.catalog.model import Catalog, Deployment, Model

ENGINE = UpstreamEntry(name=LOCAL, kind="local")


class Assembled(msgspec.Struct, frozen=True):
    """What a catalog is made of; `problems` says in sentences what of the entries is left out, and why."""

    models: tuple[Model, ...]
    upstreams: tuple[UpstreamEntry, ...]
    problems: tuple[str, ...]

    def usable(self, upstreams: Collection[str]) -> "Assembled":
        """Leave out every deployment at other upstreams than these, and the models that have none left."""
        return self.keep(lambda deployment: deployment.upstream in upstreams)

    def keep(self, is_kept: Callable[[Deployment], bool]) -> "Assembled":
        """Leave out every other deployment, and the models that have none left."""
        kept = (
            msgspec.structs.replace(model, deployments=tuple(each for each in model.deployments if is_kept(each)))
            for model in self.models
        )
        return msgspec.structs.replace(self, models=tuple(model for model in kept if model.deployments))

    def to_catalog(self) -> Catalog:
        """Make a catalog of it."""
        return Catalog(self.models, self.upstreams)


def assemble(built_in: tuple[Model, ...], declared: Entries, added: Added, since_ms: int) -> Assembled:
    """Put together the catalog of an installation.

    Takes: declared, the entries of the file; since_ms, the moment that its models are said to be made.
    """
    problems: list[str] = []
    upstreams = {each.name: each for each in declared.upstreams}
    for each in added.upstreams:
        if each.name in upstreams:
            problems.append(f"the upstream {each.name} is in the file and in the database; the one in the file counts")
        upstreams.setdefault(each.name, each)
    upstreams.setdefault(LOCAL, ENGINE)
    wanted = [(each, since_ms) for each in declared.models] + [
        (each.entry, each.created_at_ms) for each in added.models
    ]
    models: list[Model] = []
    taken: set[str] = set()
    for entry, created_at_ms in wanted:
        model = _build_model(entry, created_at_ms, upstreams)
        kept, losses = _keep_free_names(model, taken)
        problems.extend([*_name_lost_places(entry, upstreams), *losses])
        if kept is not None:
            models.append(kept)
            taken.update((kept.id, *kept.aliases))
    for model in built_in:
        kept, _ = _keep_free_names(model, taken)
        models.extend([] if kept is None else [kept])
    return Assembled(tuple(models), tuple(upstreams.values()), tuple(problems))


def _keep_free_names(model: Model, taken: set[str]) -> tuple[Model | None, list[str]]:
    """Leave a model the names that nobody has; gives what of it is kept, and what was lost."""
    if model.id in taken:
        return None, [f"the name of the model {model.id} is taken by another one, which counts; remove one of them"]
    if not model.deployments:
        return None, [f"the model {model.id} has no upstream that is there; add one, or remove the model"]
    lost = [
        f"the alias {name} of the model {model.id} is taken by another model" for name in model.aliases if name in taken
    ]
    free = tuple(name for name in model.aliases if name not in taken)
    return msgspec.structs.replace(model, aliases=free), lost


def _name_lost_places(entry: ModelEntry, upstreams: dict[str, UpstreamEntry]) -> Iterator[str]:
    for each in entry.deployments:
        if each.upstream not in upstreams:
            yield f"the model {entry.id} names the upstream {each.upstream}, which is not there"


def _build_model(entry: ModelEntry, created_at_ms: int, upstreams: dict[str, UpstreamEntry]) -> Model:
    capabilities = frozenset(entry.capabilities)
    return Model(
        id=entry.id,
        display_name=entry.display_name or entry.id,
        description=entry.description,
        traits=Traits(
            context_tokens=entry.context_tokens,
            max_output_tokens=entry.output_tokens,
            default_output_tokens=entry.output_tokens,
            capabilities=capabilities,
            thinking_default="thinking" in capabilities and entry.thinking == "enabled",
        ),
        deployments=tuple(
            Deployment(each.upstream, each.model, each.weight, _choose_style(each, entry, upstreams[each.upstream]))
            for each in entry.deployments
            if each.upstream in upstreams
        ),
        created_at_ms=created_at_ms,
        aliases=entry.aliases,
        timeouts=entry.timeouts,
        on_client_gone=entry.on_client_gone,
        drain_tokens=entry.drain_tokens,
    )


def _choose_style(deployment: DeploymentEntry, entry: ModelEntry, upstream: UpstreamEntry) -> ThinkingStyle:
    """Take the style that the operator names; else a thinking model at an Anthropic upstream has its own."""
    if deployment.thinking_style is not None:
        return deployment.thinking_style
    return "anthropic" if upstream.kind == "anthropic" and "thinking" in entry.capabilities else "none"
