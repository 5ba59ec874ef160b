"""Tracing: what counts a worker's calls, and sends them as spans where there is a collector."""

from importlib.util import find_spec

from setaria.adapters.telemetry.metrics import Metrics, Samples
from setaria.config import Settings
from setaria.core.errors import Misconfigured
from setaria.gateway.ports import Log, Meter

_SENDER = "opentelemetry.exporter.otlp.proto.http"


class Tracing:
    """Without a collector: the metrics alone."""

    def __init__(self, metrics: Metrics) -> None:
        self.meter: Meter = metrics
        self.samples = metrics.samples

    def close(self, log: Log) -> None:
        """Do nothing."""


class SendingTracing(Tracing):
    """With a collector; loads what sends, and begins to."""

    def __init__(self, metrics: Metrics, endpoint: str, worker: str) -> None:
        from setaria.adapters.telemetry.traces import TracedMeter, Traces, make_exporter

        super().__init__(metrics)
        self._traces = Traces(make_exporter(endpoint), worker)
        self.meter = TracedMeter(metrics, self._traces.end_call)
        self.samples = lambda: self._with_dropped(metrics.samples())
        self._traces.open()

    def close(self, log: Log) -> None:
        """Send what is left, which takes seconds at most."""
        self._traces.close()
        if self._traces.dropped:
            log.warning("spans_dropped", spans=self._traces.dropped)

    def _with_dropped(self, samples: Samples) -> Samples:
        return {**samples, ("setaria_dropped_spans_total",): self._traces.dropped}


def need_tracing(settings: Settings) -> None:
    """Make sure that spans can be sent if they are to be.

    Raises: Misconfigured.
    """
    if settings.telemetry.otlp_endpoint and not _is_installed():
        raise Misconfigured(
            "telemetry.otlp_endpoint is set, but what sends traces is not installed: run `make otel` or "
            "pip install 'setaria[otel]', or set it to nothing in the file (OTEL_EXPORTER_OTLP_ENDPOINT sets it too)"
        )


def open_tracing(settings: Settings, worker: str, metrics: Metrics) -> Tracing:
    """Begin to send spans if they are to be sent."""
    endpoint = settings.telemetry.otlp_endpoint
    return SendingTracing(metrics, endpoint, worker) if endpoint else Tracing(metrics)


def _is_installed() -> bool:
    try:
        return find_spec(_SENDER) is not None
    except ModuleNotFoundError:
        return False
