"""Route: choose who answers."""

from collections.abc import Mapping

from setaria.domain.routing.ports import Upstream
from setaria.gateway.stages import Asked, Routed


def route(asked: Asked, upstreams: Mapping[str, Upstream]) -> Routed:
    """Choose the deployment of the model; there is one."""
    deployment = asked.model.deployments[0]
    return Routed(asked=asked, upstream=upstreams[deployment.upstream], upstream_model=deployment.model)
