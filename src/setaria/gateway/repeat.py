"""Repeat: whether and where a call whose first attempt failed before it said anything is tried again."""

from setaria.core.errors import Unavailable, UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamTimeout
from setaria.domain.catalog.model import Deployment
from setaria.domain.routing.budget import MAX_FURTHER_ATTEMPTS
from setaria.gateway.flow import Flow
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Routed

LONGEST_WAIT_S = 2


async def repeat(routed: Routed, flow: Flow, tried: list[Deployment], platform: Platform) -> Deployment | None:
    """Give the deployment to ask next, after the wait it wants; None when the failure is the answer.

    Another deployment that is well comes first. Where there is none, a server that names a time of up to 2 s is waited
    for once, and one that failed and named no time is asked once more, unless this failure made it cool down. All of it
    within the budget of retries.
    """
    if not flow.may_be_repeated or len(tried) > MAX_FURTHER_ATTEMPTS:
        return None
    model, now_s = routed.asked.model, platform.clock.monotonic_s()
    try:
        other = platform.router.choose(model.deployments, routed.session, now_s, tried={each.name for each in tried})
    except (Unavailable, UpstreamRefused):
        pass
    else:
        return other if platform.router.budget.take(now_s) else None
    wait_s = _wait_for_the_same(flow, tried)
    if wait_s is None or not platform.router.health(tried[-1].name).may_serve(now_s):
        return None
    if not platform.router.budget.take(now_s):
        return None
    if wait_s:
        await platform.clock.sleep(wait_s)
    return tried[-1]


def _wait_for_the_same(flow: Flow, tried: list[Deployment]) -> int | None:
    """Give the seconds after which the same deployment may be asked again; None when it may not."""
    if len(tried) > 1:
        return None
    match flow.error:
        case UpstreamError(retry_after_s=int(wait_s)):
            return wait_s if wait_s <= LONGEST_WAIT_S else None
        case UpstreamBusy() | UpstreamRefused() | UpstreamTimeout():
            return None
        case _:
            return 0
