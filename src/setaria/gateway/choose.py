"""Choose: find the model that a caller names, if its key may be used for it."""

from setaria.core.errors import Forbidden, UnknownModel, UnknownPath
from setaria.domain.accounts.rules import may_use
from setaria.domain.catalog.model import Model
from setaria.gateway.paid_plan import find_term, rate_on
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Identified


def find_model(name: str, identified: Identified, platform: Platform) -> Model:
    """Find a model by its id or another name of it.

    Raises: UnknownModel; Forbidden, which names the models that the key may be used for.
    """
    model = platform.catalog.find(name)
    if identified.caller.rules.models and not may_use(identified.caller, model.id):
        allowed = ", ".join(identified.caller.rules.models)
        raise Forbidden(f"this key may not be used for {model.id}; it may for: {allowed}", param="model")
    return model


async def list_models(identified: Identified, platform: Platform) -> tuple[Model, ...]:
    """List the models that a key may be used for; of a key of a plan those that the plan pays for.

    Raises: PlanExpired, Unavailable.
    """
    caller = identified.caller
    models = tuple(model for model in platform.catalog.models if may_use(caller, model.id))
    if caller.lane == "payg":
        return models
    now_ms = platform.desk.clerk.now_ms()
    offer = (await find_term(caller.subscription_id, now_ms, platform)).offer
    return tuple(model for model in models if rate_on(offer, model.id, now_ms, platform) is not None)


async def show_model(name: str, identified: Identified, platform: Platform) -> Model:
    """Find a model of a path, by its id or another name of it; unlike one named in a request it is simply not there.

    Raises: UnknownPath when there is none, or the key may not be used for it; PlanExpired, Unavailable.
    """
    try:
        model = platform.catalog.find(name)
    except UnknownModel as error:
        raise UnknownPath(error.message) from error
    if model not in await list_models(identified, platform):
        raise UnknownPath(f"this key may not be used for {model.id}; GET /v1/models lists what it may be used for")
    return model
