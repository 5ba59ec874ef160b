"""The figures of a running platform: exact over all workers, and none is lost when one dies."""

import os
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running import Running, running, wait_for
from tests.prometheus_text import Labels, read_metrics

HELLO: Any = {"model": "seedling", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5, "user": "u"}


def read(platform: Running) -> dict[tuple[str, Labels], float]:
    """Read all figures, over a connection of its own, so that any worker may answer."""
    with urllib.request.urlopen(platform.base_url + "/metrics", timeout=10) as answer:  # noqa: S310 - a test's own
        return read_metrics(answer.read())


def refuse_one(platform: Running) -> None:
    """Make a call that is refused."""
    with pytest.raises(urllib.error.HTTPError):
        platform.post("/v1/chat/completions", HELLO | {"model": "nothing"})


def test_the_sums_over_two_workers_are_exact(data: Path) -> None:
    """Whoever answers knows all calls, and a worker's death takes none away."""
    chat: Labels = (("model", "seedling"), ("protocol", "openai_chat"), ("ending", "completed"))
    messages: Labels = (("model", "seedling"), ("protocol", "anthropic_messages"), ("ending", "completed"))
    refused: Labels = (("status", "400"), ("error", "UnknownModel"))
    with running(data, "--workers", "2") as platform:
        for _ in range(12):
            platform.post("/v1/chat/completions", HELLO)
            platform.post("/anthropic/v1/messages", HELLO)
            refuse_one(platform)
        total = json_total(platform)
        for _ in range(8):
            found = read(platform)
            assert found["setaria_calls_total", chat] == 12
            assert found["setaria_calls_total", messages] == 12
            assert found["setaria_refused_requests_total", refused] == 12
            assert found["setaria_dropped_fields_total", (("protocol", "openai_chat"),)] == 12
            assert found["setaria_first_token_seconds_count", (("model", "seedling"),)] == 24
            assert found["setaria_settlement_rows_total", ()] == 24
            for kind, name in (("input", "input_tokens"), ("output", "output_tokens")):
                labels = (("model", "seedling"), ("class", kind))
                assert found["setaria_tokens_total", labels] == total[name]
            assert found["setaria_workers", ()] == 2
            well = (("upstream", "local"), ("model", "seedling"), ("state", "well"))
            assert found["setaria_deployments", well] == 2
            assert found["setaria_client_connections", ()] >= 1
            assert found["setaria_engine_connections", ()] >= 1
            assert found["setaria_engine_rows", (("model", "seedling"),)] == 16
            assert found["setaria_engine_calls", (("state", "ready"),)] == 0
            decoded = (("model", "seedling"), ("work", "decoded"))
            assert found["setaria_engine_tokens_total", decoded] == total["output_tokens"]
            assert found["setaria_engine_memory_bytes", ()] > 50_000_000
            assert found["setaria_workers_memory_bytes", ()] > 20_000_000
            assert found["setaria_workers_cpu_seconds_total", ()] > 0
        first, _ = platform.pids("worker")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: platform.log.count('"process_ready"') == 4)  # two workers, the engine, and one worker again
        for calls in range(13, 17):
            platform.post("/v1/chat/completions", HELLO)
            assert read(platform)["setaria_calls_total", chat] == calls


def json_total(platform: Running) -> dict[str, int]:
    """Read the sums on the books."""
    rows = platform.calls()
    return {name: sum(row[name] for row in rows) for name in ("input_tokens", "output_tokens")}


def test_a_scrape_starts_no_engine(data: Path) -> None:
    """While no call needed the engine, it is not started by asking for figures, and has none."""
    with running(data) as platform:
        found = read(platform)
        assert found["setaria_engine_connections", ()] == 0
        assert not [name for name, _ in found if name == "setaria_engine_memory_bytes"]
        assert platform.pids("engine") == []


def test_metrics_can_be_off(data: Path) -> None:
    """Then there is no such page."""
    with running(data, environment={"SETARIA_SERVER_METRICS": "off"}) as platform:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            read(platform)
        refusal.value.close()
        assert refusal.value.code == 404
