"""Scrape: the figures of all workers, and those of the engine where it runs, written for whoever asks.

The engine is asked by the worker that is asked, and only when some worker has a connection to it: so it counts once,
nothing is measured while nobody asks, and nobody starts it by asking.
"""

from setaria.adapters.telemetry.exposition import write_samples
from setaria.adapters.telemetry.metrics import Samples
from setaria.adapters.telemetry.shared import SharedMetrics
from setaria.adapters.upstreams.local.frames import Observed
from setaria.adapters.upstreams.local.upstream import LocalUpstream

CONNECTIONS = "setaria_engine_connections"


class Scrape:
    """Writes `/metrics`."""

    def __init__(self, shared: SharedMetrics, engine: LocalUpstream) -> None:
        self._shared = shared
        self._engine = engine

    async def write(self) -> bytes:
        """Write the sums over all workers, and the engine's figures, as text."""
        samples = dict(await self._shared.sum_up())
        observed = await self._engine.observe() if samples.get((CONNECTIONS,)) else None
        return write_samples(samples if observed is None else {**samples, **engine_samples(observed)})


def engine_samples(observed: Observed) -> Samples:
    """Give what the engine told as samples."""
    samples: dict[tuple[str, ...], int | float] = {
        ("setaria_engine_calls", "waiting"): observed.waiting_calls,
        ("setaria_engine_calls", "loading"): sum(model.loading for model in observed.models),
        ("setaria_engine_calls", "ready"): sum(model.ready for model in observed.models),
        ("setaria_engine_refused_calls_total",): observed.refused_calls,
        ("setaria_engine_memory_bytes",): observed.memory_bytes,
        ("setaria_engine_cpu_seconds_total",): observed.cpu_s,
    }
    for model in observed.models:
        samples["setaria_engine_rows", model.model] = model.rows
        samples["setaria_engine_kept_tokens", model.model] = model.kept_tokens
        samples["setaria_engine_tokens_total", model.model, "prefilled"] = model.prefilled_tokens
        samples["setaria_engine_tokens_total", model.model, "reused"] = model.reused_tokens
        samples["setaria_engine_tokens_total", model.model, "decoded"] = model.decoded_tokens
    return samples
