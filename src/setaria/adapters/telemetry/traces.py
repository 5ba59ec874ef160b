"""Traces: one OpenTelemetry span a call, sent to a collector over OTLP by a thread of its own.

Theory. A call that is over is put into a queue and nothing more; the thread makes spans of what is in it once a second
and sends them. The queue holds `QUEUE_CALLS`; what comes while it is full is dropped, and so is a batch that the
collector does not take. Both are counted. Nothing of it can hold up a call or fail one.

A span has what is on the books of a call: names, numbers and times, no text and no key. A call is a child of the span
that its caller names in `traceparent`, and is left out where the caller's trace is not sampled; else it is a trace of
its own, whose id is the call's.

Only a process that sends traces imports this file.
"""

import logging
import re
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from setaria import __version__
from setaria.adapters.telemetry.metrics import Metrics
from setaria.core.protocol import ProtocolName
from setaria.domain.ledger.records import CallRecord

QUEUE_CALLS = 4096
BATCH_CALLS = 512
PERIOD_S = 1.0
TIMEOUT_S = 10.0
CLOSE_S = 2.0
LONGEST_PARENT = 64  # of a `traceparent`, 55 bytes count

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_GOOD_ENDINGS = ("completed", "client_gone")
_NS_PER_MS = 1_000_000
_SCOPE = InstrumentationScope("setaria", __version__)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def make_exporter(endpoint: str) -> SpanExporter:
    """Make what sends spans to the collector at a base address; its messages go nowhere, for drops are counted."""
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    return OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT_S)


class Traces:
    """Sends the spans of one worker.

    Order: `open`, any number of `end_call`, `close`. Cost: 0.3 us a call in its own time, beside the thread's.
    """

    def __init__(self, exporter: SpanExporter, worker: str) -> None:
        self._exporter = exporter
        names = {"service.name": "setaria", "service.version": __version__, "service.instance.id": worker}
        self._resource = Resource.create(names)
        self._queue: deque[tuple[CallRecord, bytes]] = deque()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, name="traces", daemon=True)
        self._not_queued = 0  # counted by the event loop's thread only
        self._not_sent = 0  # counted by the sending thread only

    @property
    def dropped(self) -> int:
        """How many spans never reached the collector."""
        return self._not_queued + self._not_sent

    def open(self) -> None:
        """Begin to send."""
        self._thread.start()

    def end_call(self, record: CallRecord, parent: bytes) -> None:
        """Take a call that is over; `parent` is the caller's `traceparent`, empty without one."""
        if len(self._queue) >= QUEUE_CALLS:
            self._not_queued += 1
        else:
            self._queue.append((record, parent[:LONGEST_PARENT]))

    def close(self) -> None:
        """Send what is left, for `CLOSE_S`, and give up the rest within as long."""
        self._ended.set()
        self._thread.join(CLOSE_S)
        self._exporter.shutdown()  # ends its pauses between attempts
        self._thread.join(CLOSE_S)

    def _send(self) -> None:
        while not self._ended.wait(PERIOD_S):
            self._send_queue()
        self._send_queue()

    def _send_queue(self) -> None:
        while self._queue:
            calls = [self._queue.popleft() for _ in islice(range(len(self._queue)), BATCH_CALLS)]
            spans = [span for call in calls if (span := span_from_call(*call, self._resource)) is not None]
            if spans and not self._export(spans):
                self._not_sent += len(spans)

    def _export(self, spans: list[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(spans) is SpanExportResult.SUCCESS
        except (OSError, ValueError, RuntimeError):  # of HTTP and of its encoding; the exporter tells most itself
            return False


def span_from_call(record: CallRecord, parent: bytes, resource: Resource) -> ReadableSpan | None:
    """Write a call as a span; None where its caller's trace is not sampled."""
    named = _TRACEPARENT.fullmatch(parent)
    own_id = int(record.id[16:], 16)
    trace_id, parent_context = int(record.id, 16), None
    if named is not None:
        if not int(named[3], 16) & TraceFlags.SAMPLED:
            return None
        trace_id = int(named[1], 16)
        parent_context = SpanContext(trace_id, int(named[2], 16), is_remote=True, trace_flags=_SAMPLED)
    start_ns = record.at_ms * _NS_PER_MS
    events = []
    if record.first_token_ms is not None:
        events = [Event("first token", timestamp=start_ns + record.first_token_ms * _NS_PER_MS)]
    is_good = record.ending in _GOOD_ENDINGS
    return ReadableSpan(
        f"chat {record.model}",
        context=SpanContext(trace_id, own_id, is_remote=False, trace_flags=_SAMPLED),
        parent=parent_context,
        resource=resource,
        attributes=_attributes(record),
        events=events,
        kind=SpanKind.SERVER,
        status=Status(StatusCode.UNSET) if is_good else Status(StatusCode.ERROR, record.ending),
        start_time=start_ns,
        end_time=start_ns + record.duration_ms * _NS_PER_MS,
        instrumentation_scope=_SCOPE,
    )


def _attributes(record: CallRecord) -> dict[str, str | int | bool]:
    """Name what is known as others do, where there is a name.

    Source: OpenTelemetry semantic conventions for generative AI, read November 2026.
    """
    usage = record.usage
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": record.model,
        "gen_ai.usage.input_tokens": usage.input_tokens + usage.cached_input_tokens + usage.cache_write_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "http.response.status_code": record.status,
        "setaria.call": record.id,
        "setaria.account": record.account_id,
        "setaria.protocol": record.protocol,
        "setaria.upstream": record.upstream,
        "setaria.stream": record.stream,
        "setaria.ending": record.ending,
        "setaria.counts_from": record.counts_from,
        "setaria.attempts": record.attempts,
    }


class TracedMeter:
    """Implements the port Meter: counts calls, and hands them on as spans."""

    def __init__(self, metrics: Metrics, end_call: Callable[[CallRecord, bytes], None]) -> None:
        self._metrics = metrics
        self._end_call = end_call

    def count_call(self, record: CallRecord, parent: bytes) -> None:
        """Count a call that is on the books, and write its span."""
        self._metrics.count_call(record, parent)
        self._end_call(record, parent)

    def count_refusal(self, error: str, status: int) -> None:
        """Count a refused request by the error's kind and its HTTP status."""
        self._metrics.count_refusal(error, status)

    def count_dropped_fields(self, protocol: ProtocolName, fields: int) -> None:
        """Count unknown fields of a request that no upstream gets to see."""
        self._metrics.count_dropped_fields(protocol, fields)

    def count_lost_settlement(self) -> None:
        """Count a call that could not be put on the books."""
        self._metrics.count_lost_settlement()
