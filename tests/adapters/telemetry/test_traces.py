"""Spans of calls, and that nothing a collector does can hold up a call."""

import socket
import time
from collections.abc import Iterator

import msgspec
import pytest
from opentelemetry.sdk.resources import Resource

from setaria.adapters.telemetry import traces as module
from setaria.adapters.telemetry.metrics import Metrics
from setaria.adapters.telemetry.traces import TracedMeter, Traces, make_exporter, span_from_call
from setaria.core.ids import CallId
from setaria.domain.ledger.records import CallRecord, Ending
from tests.adapters.telemetry.test_metrics import CALL
from tests.fakes.collector import Collector, attributes_of, collecting

ID = "0190a1b2c3d47e5f8123456789abcdef"
RECORD = msgspec.structs.replace(CALL, id=CallId(ID), at_ms=1_700_000_000_000)
PARENT = b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"
RESOURCE = Resource({})


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Give a collector that works."""
    with collecting() as started:
        yield started


def send(url: str, *calls: tuple[CallRecord, bytes]) -> Traces:
    """Send calls and end."""
    traces = Traces(make_exporter(url), "worker-1")
    traces.open()
    for record, parent in calls:
        traces.end_call(record, parent)
    traces.close()
    return traces


def test_a_call_is_one_span(collector: Collector) -> None:
    """The collector gets what is on the books, at the moments when it happened."""
    traces = send(collector.url, (RECORD, b""))
    assert collector.requests == [("/v1/traces", "application/x-protobuf")]
    assert traces.dropped == 0
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == (ID, ID[16:], b"")
    assert (span.name, span.kind, span.status.code) == ("chat m", 2, 0)
    start_ns = 1_700_000_000_000_000_000
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (start_ns, start_ns + 400_000_000)
    assert [(event.name, event.time_unix_nano) for event in span.events] == [("first token", start_ns + 100_000_000)]
    assert attributes_of(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 15,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.output_tokens": 11,
        "http.response.status_code": 200,
        "setaria.call": ID,
        "setaria.account": "acct_1",
        "setaria.protocol": "openai_chat",
        "setaria.upstream": "u",
        "setaria.stream": True,
        "setaria.ending": "completed",
        "setaria.counts_from": "upstream",
        "setaria.attempts": 1,
    }
    assert collector.resources[0]["service.name"] == "setaria"


def test_a_call_is_a_child_of_its_callers_span(collector: Collector) -> None:
    """Trace and parent are those of the header, the span's own id is still the call's."""
    send(collector.url, (RECORD, PARENT))
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.span_id.hex()) == ("1" * 32, "2" * 16, ID[16:])


@pytest.mark.parametrize(
    "parent",
    [
        b"nonsense",
        PARENT.replace(b"1", b"0"),
        PARENT.replace(b"2", b"0"),
        b"ff" + PARENT[2:],
        PARENT.replace(b"1" * 32, b"A" * 32),
        PARENT[:-1],
    ],
)
def test_a_bad_parent_is_none(parent: bytes) -> None:
    """A header that names no span leaves the call a trace of its own."""
    span = span_from_call(RECORD, parent, RESOURCE)
    assert span is not None
    assert span.parent is None
    context = span.get_span_context()
    assert context is not None
    assert context.trace_id == int(ID, 16)


@pytest.mark.parametrize("flags, is_sent", [(b"00", False), (b"01", True), (b"02", False), (b"03", True)])
def test_the_callers_sampling_counts(flags: bytes, is_sent: bool) -> None:
    """What the caller does not sample is not sent."""
    assert (span_from_call(RECORD, PARENT[:-2] + flags, RESOURCE) is not None) == is_sent


@pytest.mark.parametrize("ending, is_error", [("completed", False), ("client_gone", False), ("upstream_cut", True)])
def test_a_bad_ending_is_an_error(ending: Ending, is_error: bool) -> None:
    """The status says which calls went wrong, and how."""
    span = span_from_call(msgspec.structs.replace(RECORD, ending=ending, first_token_ms=None), b"", RESOURCE)
    assert span is not None
    assert span.status.description == (ending if is_error else None)
    assert span.events == ()


def test_a_full_queue_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for a collector: what the queue can't hold is counted and gone."""
    monkeypatch.setattr(module, "QUEUE_CALLS", 2)
    traces = Traces(make_exporter("http://127.0.0.1:9"), "worker-1")
    for _ in range(5):
        traces.end_call(RECORD, b"")
    assert traces.dropped == 3


def test_without_a_collector_spans_are_counted_as_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing listens, sending ends in time and the drop is known."""
    monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    with socket.socket() as away:
        away.bind(("127.0.0.1", 0))
        traces = send(f"http://127.0.0.1:{away.getsockname()[1]}", (RECORD, b""))
    assert traces.dropped == 1


def test_a_silent_collector_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that never answers delays neither calls nor, beyond the time for it, the end."""
    monkeypatch.setattr(module, "CLOSE_S", 0.2)
    monkeypatch.setattr(module, "TIMEOUT_S", 1.0)
    with collecting(silent=True) as collector:
        began_s = time.monotonic()
        send(collector.url, *[(RECORD, b"")] * 1000)
        assert time.monotonic() - began_s < 1


def test_the_meter_counts_and_traces() -> None:
    """Calls go both ways; everything else is only counted."""
    metrics, ended = Metrics(), list[tuple[CallRecord, bytes]]()
    meter = TracedMeter(metrics, lambda record, parent: ended.append((record, parent)))
    meter.count_call(RECORD, PARENT)
    meter.count_refusal("Limited", 429)
    meter.count_dropped_fields("openai_chat", 2)
    meter.count_lost_settlement()
    assert ended == [(RECORD, PARENT)]
    samples = metrics.samples()
    assert samples["setaria_calls_total", "m", "openai_chat", "completed"] == 1
    assert samples["setaria_refused_requests_total", "429", "Limited"] == 1
    assert samples["setaria_dropped_fields_total", "openai_chat"] == 2
    assert samples["setaria_settlements_lost_total",] == 1
