"""Lane hosts: host names that stand for one lane, so that its paths need no prefix."""

from collections.abc import Iterable

from setaria.core.protocol import Lane
from setaria.entrypoints.api.routes import PLAN_PREFIX, Match, find_route


class LaneHosts:
    """Finds the route that a path leads to at a host.

    Takes: the host names of either lane, in small letters. At every other host the path alone decides.
    """

    def __init__(self, payg: Iterable[str] = (), plan: Iterable[str] = ()) -> None:
        self._lanes: dict[bytes, Lane] = {host.encode(): "payg" for host in payg}
        self._lanes.update((host.encode(), "plan") for host in plan)

    def find_route(self, path: str, host: bytes) -> Match | None:
        """Find the route of a path; at a host of one lane there is nothing of the other.

        Cost: hot path; that of `routes.find_route` where no host stands for a lane.
        """
        lane = self._lanes.get(_name_of(host)) if self._lanes else None
        if lane is None:
            return find_route(path)
        found = find_route(PLAN_PREFIX + path) if lane == "plan" else None
        found = found or find_route(path)
        return found if found is not None and found.route.lane in {lane, None} else None


def _name_of(host: bytes) -> bytes:
    """Take the port off a Host header."""
    return host.lower().partition(b":")[0]
