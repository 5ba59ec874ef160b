"""Route: choose who is asked first."""

from setaria.domain.routing.session import session_from_dialogue
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Admitted, Routed


def route(admitted: Admitted, platform: Platform) -> Routed:
    """Choose a deployment of the model: one that is well, by weight, the same one for all calls of a session.

    Raises: Unavailable when all of them are cooling down, UpstreamRefused when they do because of the platform's key.
    """
    asked = admitted.asked
    session = asked.identified.received.session
    if session is None and len(asked.model.deployments) > 1:
        session = session_from_dialogue(asked.dialogue)
    now_s = platform.clock.monotonic_s()
    platform.router.budget.count_call(now_s)
    chosen = platform.router.choose(asked.model.deployments, session, now_s)
    return Routed(admitted, asked, chosen, session)
