"""Edge: what stands between callers and this server, and by which names they know it."""

from typing import NamedTuple

from setaria.entrypoints.api.lane_hosts import LaneHosts
from setaria.entrypoints.api.proxies import Proxies


class Edge(NamedTuple):
    """The host names of the lanes, and the proxies that are believed."""

    hosts: LaneHosts
    proxies: Proxies


PLAIN_EDGE = Edge(LaneHosts(), Proxies())
