"""Model: a model as callers know it."""

import difflib
from collections.abc import Mapping

import msgspec

from setaria.core.entries import DRAIN_TOKENS, OnClientGone, ThinkingStyle, Timeouts, UpstreamEntry
from setaria.core.errors import UnknownModel
from setaria.core.traits import Traits
from setaria.wire.upstream_codec import Manner

_LIKENESS = 0.5


class Deployment(msgspec.Struct, frozen=True):
    """One place where a model is served: the upstream's name and the model's name there, how much of the model's calls
    it gets against the others (0: none while another one is well), and how thinking is switched there.
    """

    upstream: str
    model: str
    weight: int = 1
    thinking_style: ThinkingStyle = "none"
    name: str = ""
    """A name that no other deployment has; it follows from upstream and model."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "name", f"{self.upstream}/{self.model}")


class Model(msgspec.Struct, frozen=True):
    """A model callers may name by `id` or one of its aliases.

    `drain_tokens` is how much of an answer is still read after its client left, where `on_client_gone` is `drain`.
    """

    id: str
    display_name: str
    description: str
    traits: Traits
    deployments: tuple[Deployment, ...]
    created_at_ms: int
    aliases: tuple[str, ...] = ()
    owned_by: str = "setaria"
    timeouts: Timeouts = Timeouts()
    on_client_gone: OnClientGone = "abort"
    drain_tokens: int = DRAIN_TOKENS


class Catalog:
    """All models of the installation, by exact and case-sensitive id or alias, and the upstreams that serve them.

    It lives as long as its process: `renew` puts new content in, and calls under way keep the model they found.
    """

    models: tuple[Model, ...]
    upstreams: Mapping[str, UpstreamEntry]

    def __init__(
        self, models: tuple[Model, ...], upstreams: tuple[UpstreamEntry, ...] = (), own_signers: tuple[str, ...] = ()
    ) -> None:
        self._own_signers = own_signers
        self._by_name: Mapping[str, Model] = {}
        self.renew(models, upstreams)

    def renew(self, models: tuple[Model, ...], upstreams: tuple[UpstreamEntry, ...]) -> None:
        """Replace everything in it."""
        self.models = models
        self.upstreams = {upstream.name: upstream for upstream in upstreams}
        self._by_name = {name: model for model in models for name in (model.id, *model.aliases)}
        self._manners: dict[Deployment, Manner] = {}
        self._condensing = frozenset(model.id for model in models if self._is_local(model))

    def manner_of(self, deployment: Deployment) -> Manner:
        """Tell how a deployment is asked, and which unknown fields may go there.

        Cost: hot path; 0.3 us.
        """
        manner = self._manners.get(deployment)
        if manner is None:
            entry = self.upstreams.get(deployment.upstream)
            passed = () if entry is None else entry.pass_fields
            manner = self._manners[deployment] = Manner(
                deployment.model, deployment.thinking_style, passed, self._own_signers
            )
        return manner

    def condenses(self, model: Model) -> bool:
        """Tell whether only the built-in engine serves a model: it condenses a prompt that is too long, and sees itself
        to the room for the answer.
        """
        return model.id in self._condensing

    def _is_local(self, model: Model) -> bool:
        kinds = {self.upstreams[each.upstream].kind for each in model.deployments if each.upstream in self.upstreams}
        return kinds == {"local"}

    def find(self, name: str) -> Model:
        """Find a model by id or alias.

        Raises: UnknownModel, with the id most like it if one is.
        """
        model = self._by_name.get(name)
        if model is None:
            nearest = difflib.get_close_matches(name.lower(), self._by_name, n=1, cutoff=_LIKENESS)
            raise UnknownModel(name, nearest[0] if nearest else "")
        return model
