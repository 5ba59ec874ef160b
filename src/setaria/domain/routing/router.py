"""Router: chooses among deployments by what their last calls told, and says who may be tried next."""

import math
from collections.abc import Callable, Collection, Sequence

from setaria.core.errors import Unavailable, UpstreamRefused
from setaria.domain.routing.budget import RetryBudget
from setaria.domain.routing.choice import C, choose
from setaria.domain.routing.health import Health


class Router:
    """Knows every deployment's health; `draw` gives a number in [0, 1)."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self.budget = RetryBudget()
        self._draw = draw
        self._health: dict[str, Health] = {}

    def choose(self, candidates: Sequence[C], session: bytes | None, now_s: float, tried: Collection[str] = ()) -> C:
        """Choose one that is well and was not tried yet.

        Raises: UpstreamRefused when those left are all cooling down because they refuse the platform's access;
            Unavailable when they are for other reasons, with the seconds until the first may be tried again, and when
            none is left.
        """
        if len(candidates) == 1 and not tried and self.health(candidates[0].name).may_serve(now_s):
            return candidates[0]
        left = [candidate for candidate in candidates if candidate.name not in tried] if tried else candidates
        well = [candidate for candidate in left if self.health(candidate.name).may_serve(now_s)]
        if not well:
            raise _explain([self.health(candidate.name) for candidate in left], now_s)
        return choose(well, session, self._draw)

    def health(self, name: str) -> Health:
        """Give the health of a deployment; one that is not known yet is well."""
        health = self._health.get(name)
        if health is None:
            health = self._health[name] = Health(self._draw)
        return health


def _explain(cooling: Sequence[Health], now_s: float) -> Unavailable | UpstreamRefused:
    """Say why none of these gets a call; where one may answer later, waiting helps."""
    refusals = [health.refusal for health in cooling if health.refusal is not None]
    if refusals and len(refusals) == len(cooling):
        return UpstreamRefused(refusals[0].message)
    wait_s = min((health.wait_s(now_s) for health in cooling), default=0.0)
    return Unavailable("no server of this model answers now; try again later", retry_after_s=max(1, math.ceil(wait_s)))
