"""Capability: refuses what a model cannot do."""

from setaria.core.errors import InvalidRequest
from setaria.core.traits import Capability, Traits


def require_capability(traits: Traits, capability: Capability, path: str) -> None:
    """Let a request go on whose field `path` needs a capability that the model has.

    Raises: InvalidRequest, which names the capability and those that the model has instead.
    """
    if capability in traits.capabilities:
        return
    present = ", ".join(sorted(traits.capabilities)) or "none"
    raise InvalidRequest(
        f"{path} needs the capability `{capability}`, which this model lacks (its capabilities: {present})", param=path
    )
