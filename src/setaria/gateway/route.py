"""Route: choose who is asked first."""

from setaria.domain.catalog.model import Deployment, Model
from setaria.domain.routing.choice import Candidate
from setaria.domain.routing.session import session_from_dialogue
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Asked, Routed


def route(asked: Asked, platform: Platform) -> Routed:
    """Choose a deployment of the model: one that is well, by weight, the same one for all calls of a session.

    Raises: Unavailable when all of them are cooling down.
    """
    session = asked.identified.received.session
    if session is None and len(asked.model.deployments) > 1:
        session = session_from_dialogue(asked.dialogue)
    now_s = platform.clock.monotonic_s()
    platform.router.budget.count_call(now_s)
    chosen = platform.router.choose(candidates_of(asked.model), session, now_s)
    return Routed(asked=asked, deployment=deployment_of(asked.model, chosen), session=session)


def candidates_of(model: Model) -> list[Candidate]:
    """List a model's deployments under the names that the router knows them by."""
    return [Candidate(name_of(deployment), deployment.weight) for deployment in model.deployments]


def name_of(deployment: Deployment) -> str:
    """Name a deployment so that no other one has the name."""
    return f"{deployment.upstream}/{deployment.model}"


def deployment_of(model: Model, chosen: Candidate | None) -> Deployment:
    """Find the deployment that was chosen among all of a model's; one of them always is."""
    return next(each for each in model.deployments if chosen is not None and name_of(each) == chosen.name)
