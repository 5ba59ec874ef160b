"""Model: a model as callers know it."""

import difflib
from collections.abc import Mapping

import msgspec

from setaria.core.errors import UnknownModel
from setaria.core.traits import Traits

_LIKENESS = 0.5


class Deployment(msgspec.Struct, frozen=True):
    """One place where a model is served: the upstream's name and the model's name there."""

    upstream: str
    model: str


class Model(msgspec.Struct, frozen=True):
    """A model callers may name by `id` or one of its aliases."""

    id: str
    display_name: str
    description: str
    traits: Traits
    deployments: tuple[Deployment, ...]
    created_at_ms: int
    aliases: tuple[str, ...] = ()
    owned_by: str = "setaria"


class Catalog:
    """All models of the installation, by exact and case-sensitive id or alias."""

    def __init__(self, models: tuple[Model, ...]) -> None:
        self.models = models
        self._by_name: Mapping[str, Model] = {name: model for model in models for name in (model.id, *model.aliases)}

    def find(self, name: str) -> Model:
        """Find a model by id or alias.

        Raises: UnknownModel, with the id most like it if one is.
        """
        model = self._by_name.get(name)
        if model is None:
            nearest = difflib.get_close_matches(name.lower(), self._by_name, n=1, cutoff=_LIKENESS)
            raise UnknownModel(name, nearest[0] if nearest else "")
        return model
