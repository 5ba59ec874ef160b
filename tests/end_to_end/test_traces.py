"""Traces through the whole platform, to a real receiver."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.end_to_end.running import running, wait_for
from tests.fakes.collector import attributes_of, collecting

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "the eagle has landed"


def test_a_call_is_traced(data: Path) -> None:
    """The span is the caller's span's child, says what the books say, and has neither prompt nor key in it."""
    with (
        collecting() as collector,
        running(data, environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as platform,
    ):
        body = {"model": "seedling", "max_tokens": 20, "messages": [{"role": "user", "content": SECRET}]}
        headers = {"authorization": f"Bearer {platform.key}", "traceparent": f"00-{TRACE}-{SPAN}-01"}
        address = f"{platform.base_url}/v1/chat/completions"
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            call_id = answer.headers["x-request-id"]
        wait_for(lambda: collector.spans)
        row = platform.call_row(call_id)
        with urllib.request.urlopen(f"{platform.base_url}/metrics", timeout=10) as page:  # noqa: S310 - as above
            assert "setaria_dropped_spans_total 0" in page.read().decode()
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    said = attributes_of(span)
    assert said["setaria.call"] == call_id
    assert said["gen_ai.usage.output_tokens"] == row["output_tokens"]
    assert SECRET not in str(span)
    assert platform.key not in str(span)


def test_a_collector_that_is_away_breaks_no_call(data: Path) -> None:
    """Calls are answered as ever, and the end is clean."""
    with running(data, environment={"SETARIA_TELEMETRY_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as platform:
        body = {"model": "seedling", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
        assert platform.post("/v1/chat/completions", body)["choices"]
        assert platform.stop() == 0
        assert [line["spans"] for line in platform.log_lines if line["event"] == "spans_dropped"] == [1]
        assert "Traceback" not in platform.log


def test_without_a_collector_nothing_is_loaded() -> None:
    """A worker that sends no traces does not import what would."""
    code = "import sys, setaria.bootstrap.worker; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
