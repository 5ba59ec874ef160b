"""What is counted, and how it is written."""

import msgspec
import pytest

from setaria.adapters.telemetry.exposition import write_samples
from setaria.adapters.telemetry.metrics import FAMILIES, Histogram, Metrics
from setaria.core.ids import AccountId, CallId, KeyId
from setaria.core.usage import Usage
from setaria.domain.ledger.records import CallRecord
from tests.prometheus_text import read_metrics

CALL = CallRecord(
    id=CallId("0" * 32),
    at_ms=0,
    account_id=AccountId("acct_1"),
    key_id=KeyId("key_1"),
    model="m",
    protocol="openai_chat",
    upstream="u",
    stream=True,
    status=200,
    ending="completed",
    counts_from="upstream",
    usage=Usage(input_tokens=7, cached_input_tokens=5, cache_write_tokens=3, output_tokens=11, reasoning_tokens=2),
    charge_nano=0,
    first_token_ms=100,
    duration_ms=400,
    attempts=1,
)


def test_a_call_is_counted_in_all_its_figures() -> None:
    """Tokens go to disjoint classes; ten intervals in 300 ms are 30 ms each."""
    metrics = Metrics()
    metrics.count_call(CALL)
    metrics.count_call(msgspec.structs.replace(CALL, ending="client_gone"))
    samples = metrics.samples()
    assert {key: samples[key] for key in samples if key[0] == "setaria_tokens_total"} == {
        ("setaria_tokens_total", "m", "input"): 14,
        ("setaria_tokens_total", "m", "cached_input"): 10,
        ("setaria_tokens_total", "m", "cache_write"): 6,
        ("setaria_tokens_total", "m", "output"): 22,
    }
    assert samples["setaria_reasoning_tokens_total", "m"] == 4
    assert samples["setaria_calls_total", "m", "openai_chat", "completed"] == 1
    assert samples["setaria_calls_total", "m", "openai_chat", "client_gone"] == 1
    assert samples["setaria_first_token_seconds_bucket", "m", "0.05"] == 0
    assert samples["setaria_first_token_seconds_bucket", "m", "0.1"] == 2
    assert samples["setaria_call_duration_seconds_sum", "m"] == 0.8
    assert samples["setaria_token_interval_seconds_bucket", "m", "0.02"] == 0
    assert samples["setaria_token_interval_seconds_bucket", "m", "0.03"] == 2


@pytest.mark.parametrize(
    "changes, first_tokens, intervals",
    [
        ({"first_token_ms": None}, 0, 0),
        ({"stream": False}, 1, 0),
        ({"usage": Usage(output_tokens=1)}, 1, 0),
        ({"usage": Usage(output_tokens=2)}, 1, 1),
    ],
)
def test_only_what_was_measured_is_counted(changes: dict[str, object], first_tokens: int, intervals: int) -> None:
    """A call without a token has no first one; only a stream of two and more has intervals."""
    metrics = Metrics()
    metrics.count_call(msgspec.structs.replace(CALL, **changes))
    samples = metrics.samples()
    assert samples["setaria_first_token_seconds_count", "m"] == first_tokens
    assert samples["setaria_token_interval_seconds_count", "m"] == intervals
    assert samples["setaria_call_duration_seconds_count", "m"] == 1


def test_what_is_no_call_is_counted() -> None:
    """Refusals, dropped fields, batches and lost settlements have their counters."""
    metrics = Metrics()
    for _ in range(2):
        metrics.count_refusal("Unauthenticated", 401)
        metrics.count_dropped_fields("openai_chat", 3)
        metrics.count_lost_settlement()
        metrics.count_batch(5, 0.002)
    samples = metrics.samples()
    assert samples["setaria_refused_requests_total", "401", "Unauthenticated"] == 2
    assert samples["setaria_dropped_fields_total", "openai_chat"] == 6
    assert samples["setaria_settlements_lost_total",] == 2
    assert samples["setaria_settlement_rows_total",] == 10
    assert samples["setaria_settlement_batch_seconds_count",] == 2


@pytest.mark.parametrize("value, counts", [(0.0, [1, 1, 1]), (1.0, [1, 1, 1]), (1.5, [0, 1, 1]), (2.1, [0, 0, 1])])
def test_a_bucket_holds_its_bound(value: float, counts: list[int]) -> None:
    """A value is in every bucket whose bound is not below it."""
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)
    samples = dict(histogram.samples("h"))
    assert [samples["h_bucket", bound] for bound in ("1.0", "2.0", "+Inf")] == counts


def test_every_family_is_written_once() -> None:
    """All that is counted has a family, each has its head, and a strict reader finds every number again."""
    metrics = Metrics()
    metrics.count_call(CALL)
    metrics.count_refusal("Limited", 429)
    metrics.count_dropped_fields("openai_chat", 1)
    samples = metrics.samples()
    text = write_samples(samples)
    read = read_metrics(text)
    assert len(read) == len(samples)
    assert [text.count(f"# TYPE {family.name} ".encode()) for family in FAMILIES] == [1] * len(FAMILIES)
    assert read["setaria_calls_total", (("model", "m"), ("protocol", "openai_chat"), ("ending", "completed"))] == 1


def test_buckets_are_written_by_their_bounds() -> None:
    """Bounds rise as numbers, model by model: 2.5 comes before 10."""
    metrics = Metrics()
    for model in ("b", "a"):
        metrics.count_call(msgspec.structs.replace(CALL, model=model))
    lines = write_samples(metrics.samples()).decode().splitlines()
    found = [line for line in lines if line.startswith("setaria_first_token_seconds_bucket")]
    bounds = ["0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "120.0", "+Inf"]
    assert [line.split()[0] for line in found] == [
        f'setaria_first_token_seconds_bucket{{model="{model}",le="{bound}"}}' for model in "ab" for bound in bounds
    ]


def test_odd_names_are_escaped() -> None:
    """A model's name may hold quotes, backslashes, line ends and commas."""
    odd = 'a"b\\c\nd,e="f\\n{}'
    text = write_samples({("setaria_reasoning_tokens_total", odd): 1})
    assert read_metrics(text) == {("setaria_reasoning_tokens_total", (("model", odd),)): 1}
    assert b'{model="a\\"b\\\\c\\nd,e=\\"f\\\\n{}"} 1' in text
