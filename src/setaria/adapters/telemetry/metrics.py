"""Metrics: what a worker counts of its calls, as plain numbers that are written out only when somebody asks.

`FAMILIES` are all figures there are. A sample is one number of a family; its key is the sample's name and the values of
the family's labels, so that the samples of several workers can be added up.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from setaria.adapters.telemetry.process import cpu_s
from setaria.core.protocol import ProtocolName
from setaria.domain.ledger.records import CallRecord, Ending

Samples = Mapping[tuple[str, ...], int | float]

_FIRST_TOKEN_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_DURATION_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_TOKEN_INTERVAL_S = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0)
_BATCH_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Family(msgspec.Struct, frozen=True):
    """One figure: its name, its kind, what it says, and what it is told apart by."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    says: str
    labels: tuple[str, ...] = ()


FAMILIES = (
    Family("setaria_calls_total", "counter", "Calls on the books.", ("model", "protocol", "ending")),
    Family("setaria_refused_requests_total", "counter", "Requests that were refused.", ("status", "error")),
    Family("setaria_tokens_total", "counter", "Tokens, each in one class.", ("model", "class")),
    Family("setaria_reasoning_tokens_total", "counter", "Output tokens that were reasoning.", ("model",)),
    Family("setaria_dropped_fields_total", "counter", "Unknown request fields kept from upstreams.", ("protocol",)),
    Family("setaria_first_token_seconds", "histogram", "Time from the request to the first token.", ("model",)),
    Family("setaria_token_interval_seconds", "histogram", "Mean time between a stream's tokens.", ("model",)),
    Family("setaria_call_duration_seconds", "histogram", "Time from the request to the answer's end.", ("model",)),
    Family("setaria_settlement_batch_seconds", "histogram", "Time to write one batch of calls."),
    Family("setaria_settlement_rows_total", "counter", "Rows in those batches."),
    Family("setaria_settlements_lost_total", "counter", "Calls that could not be put on the books."),
    Family("setaria_dropped_spans_total", "counter", "Spans that never reached the collector."),
    Family("setaria_settlement_queue", "gauge", "Calls that wait to be written."),
    Family("setaria_deployments", "gauge", "Workers that find a deployment so.", ("upstream", "model", "state")),
    Family("setaria_upstream_connections", "gauge", "Connections to upstreams.", ("upstream", "state")),
    Family("setaria_upstream_waiting_calls", "gauge", "Calls that wait for a connection.", ("upstream",)),
    Family("setaria_engine_connections", "gauge", "Workers that have a connection to the engine."),
    Family("setaria_engine_rows", "gauge", "Calls that the engine can work on at once.", ("model",)),
    Family("setaria_engine_calls", "gauge", "Calls at the engine.", ("state",)),
    Family("setaria_engine_refused_calls_total", "counter", "Calls that found the engine full."),
    Family("setaria_engine_tokens_total", "counter", "Tokens that went through the engine.", ("model", "work")),
    Family("setaria_engine_kept_tokens", "gauge", "Tokens of prompts that the engine keeps.", ("model",)),
    Family("setaria_engine_memory_bytes", "gauge", "Resident memory of the engine."),
    Family("setaria_engine_cpu_seconds_total", "counter", "Processor time of the engine."),
    Family("setaria_client_connections", "gauge", "Open connections of callers."),
    Family("setaria_tasks", "gauge", "Tasks of the workers' event loops."),
    Family("setaria_workers", "gauge", "Workers whose gauges are in these figures."),
    Family("setaria_workers_memory_bytes", "gauge", "Resident memory of all workers."),
    Family("setaria_workers_cpu_seconds_total", "counter", "Processor time of all workers."),
)


class Histogram:
    """How often a time was at most each of some bounds."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self, name: str, *labels: str) -> Iterator[tuple[tuple[str, ...], int | float]]:
        """Give what was counted."""
        total = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            yield (f"{name}_bucket", *labels, bound), total
        yield (f"{name}_sum", *labels), self._sum
        yield (f"{name}_count", *labels), total


class _ModelFigures:
    """What is counted of one model's calls."""

    __slots__ = (
        "cache_write",
        "cached_input",
        "duration",
        "first_token",
        "input",
        "output",
        "reasoning",
        "token_interval",
    )

    def __init__(self) -> None:
        self.input = self.cached_input = self.cache_write = self.output = self.reasoning = 0
        self.first_token = Histogram(_FIRST_TOKEN_S)
        self.token_interval = Histogram(_TOKEN_INTERVAL_S)
        self.duration = Histogram(_DURATION_S)

    def samples(self, model: str) -> Iterator[tuple[tuple[str, ...], int | float]]:
        """Give what was counted."""
        yield ("setaria_tokens_total", model, "input"), self.input
        yield ("setaria_tokens_total", model, "cached_input"), self.cached_input
        yield ("setaria_tokens_total", model, "cache_write"), self.cache_write
        yield ("setaria_tokens_total", model, "output"), self.output
        yield ("setaria_reasoning_tokens_total", model), self.reasoning
        yield from self.first_token.samples("setaria_first_token_seconds", model)
        yield from self.token_interval.samples("setaria_token_interval_seconds", model)
        yield from self.duration.samples("setaria_call_duration_seconds", model)


class Metrics:
    """One worker's counters; implements the port Meter.

    Cost: 0.8 us a call.
    """

    def __init__(self) -> None:
        self._calls: dict[tuple[str, ProtocolName, Ending], int] = {}
        self._models: dict[str, _ModelFigures] = {}
        self._refusals: dict[tuple[str, int], int] = {}
        self._dropped_fields: dict[ProtocolName, int] = {}
        self._batches = Histogram(_BATCH_S)
        self._rows = 0
        self._lost_settlements = 0

    def count_call(self, record: CallRecord, _parent: bytes = b"") -> None:
        """Count a call that is on the books."""
        key = (record.model, record.protocol, record.ending)
        self._calls[key] = self._calls.get(key, 0) + 1
        figures = self._models.get(record.model)
        if figures is None:
            figures = self._models[record.model] = _ModelFigures()
        usage = record.usage
        figures.input += usage.input_tokens
        figures.cached_input += usage.cached_input_tokens
        figures.cache_write += usage.cache_write_tokens
        figures.output += usage.output_tokens
        figures.reasoning += usage.reasoning_tokens
        figures.duration.observe(record.duration_ms / 1000)
        if record.first_token_ms is not None:
            figures.first_token.observe(record.first_token_ms / 1000)
            if record.stream and usage.output_tokens > 1:
                flow_ms = record.duration_ms - record.first_token_ms
                figures.token_interval.observe(flow_ms / 1000 / (usage.output_tokens - 1))

    def count_refusal(self, error: str, status: int) -> None:
        """Count a refused request by the error's kind and its HTTP status."""
        key = (error, status)
        self._refusals[key] = self._refusals.get(key, 0) + 1

    def count_dropped_fields(self, protocol: ProtocolName, fields: int) -> None:
        """Count unknown fields of a request that no upstream gets to see."""
        self._dropped_fields[protocol] = self._dropped_fields.get(protocol, 0) + fields

    def count_lost_settlement(self) -> None:
        """Count a call that could not be put on the books."""
        self._lost_settlements += 1

    def count_batch(self, rows: int, duration_s: float) -> None:
        """Count a batch of calls that was written, or could not be."""
        self._rows += rows
        self._batches.observe(duration_s)

    def samples(self) -> Samples:
        """Give everything that was counted."""
        samples: dict[tuple[str, ...], int | float] = {
            ("setaria_settlement_rows_total",): self._rows,
            ("setaria_settlements_lost_total",): self._lost_settlements,
            ("setaria_workers_cpu_seconds_total",): cpu_s(),
        }
        samples.update(self._batches.samples("setaria_settlement_batch_seconds"))
        for call, count in self._calls.items():
            samples["setaria_calls_total", *call] = count
        for (error, status), count in self._refusals.items():
            samples["setaria_refused_requests_total", str(status), error] = count
        for protocol, count in self._dropped_fields.items():
            samples["setaria_dropped_fields_total", protocol] = count
        for model, figures in self._models.items():
            samples.update(figures.samples(model))
        return samples
