"""Choose: find the model that a caller names, if its key may be used for it."""

from setaria.core.errors import Forbidden
from setaria.domain.accounts.rules import may_use
from setaria.domain.catalog.model import Model
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Identified


def find_model(name: str, identified: Identified, platform: Platform) -> Model:
    """Find a model by its id or another name of it.

    Raises: UnknownModel; Forbidden, which names the models that the key may be used for.
    """
    model = platform.catalog.find(name)
    if not may_use(identified.caller, model.id):
        allowed = ", ".join(identified.caller.rules.models)
        raise Forbidden(f"this key may not be used for {model.id}; it may for: {allowed}", param="model")
    return model


def list_models(identified: Identified, platform: Platform) -> tuple[Model, ...]:
    """List the models that a key may be used for."""
    return tuple(model for model in platform.catalog.models if may_use(identified.caller, model.id))
