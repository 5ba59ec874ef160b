"""Edge: how callers reach this installation, as its settings say."""

from setaria.config import Settings
from setaria.entrypoints.api.edge import Edge
from setaria.entrypoints.api.lane_hosts import LaneHosts
from setaria.entrypoints.api.proxies import Proxies
from setaria.entrypoints.api.routes import PLAN_PREFIX
from setaria.gateway.addresses import Addresses


def edge_of(settings: Settings) -> Edge:
    """Give the host names of the lanes and the proxies that are believed."""
    lanes = settings.lanes
    return Edge(LaneHosts(lanes.payg_hosts, lanes.plan_hosts), Proxies(settings.server.trusted_proxies))


def addresses_of(settings: Settings) -> Addresses:
    """Give the address of each lane: its first host name, else the public address, else only the path."""
    public, lanes = settings.server.public_url, settings.lanes
    scheme = public.partition("://")[0] if public else "https"
    payg = f"{scheme}://{lanes.payg_hosts[0]}" if lanes.payg_hosts else public
    plan = f"{scheme}://{lanes.plan_hosts[0]}" if lanes.plan_hosts else public + PLAN_PREFIX
    return Addresses(payg, plan)
