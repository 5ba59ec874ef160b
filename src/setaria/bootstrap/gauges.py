"""Gauges: what a worker looks like at this moment."""

import asyncio

from setaria.adapters.telemetry.metrics import Samples
from setaria.adapters.telemetry.process import memory_bytes
from setaria.bootstrap.store import Store
from setaria.bootstrap.upstreams import UpstreamSet
from setaria.entrypoints.api.server import Server
from setaria.gateway.platform import Platform


def read_gauges(platform: Platform, upstreams: UpstreamSet, store: Store, server: Server) -> Samples:
    """Look at deployments, connections, the queue to the store and memory."""
    samples: dict[tuple[str, ...], int | float] = {
        ("setaria_settlement_queue",): store.queued,
        ("setaria_client_connections",): server.open_connections,
        ("setaria_tasks",): len(asyncio.all_tasks()),
        ("setaria_workers",): 1,
        ("setaria_workers_memory_bytes",): memory_bytes(),
    }
    for name, (opened, idle, waiting) in upstreams.connections().items():
        samples["setaria_upstream_connections", name, "busy"] = opened - idle
        samples["setaria_upstream_connections", name, "idle"] = idle
        samples["setaria_upstream_waiting_calls", name] = waiting
    now_s = platform.clock.monotonic_s()
    for deployment in {each for model in platform.catalog.models for each in model.deployments}:
        is_well = platform.router.health(deployment.name).is_well(now_s)
        key = ("setaria_deployments", deployment.upstream, deployment.model)
        samples[*key, "well"] = int(is_well)
        samples[*key, "cooling"] = int(not is_well)
    return samples
