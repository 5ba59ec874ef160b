"""Run: measures Setaria beside nginx, in one interleaved run, and prints the table of budgets.

`python bench/run.py [--rounds N] [--streams N ...] [--json]`. The model server and the load run on one CPU, what is
measured on another. The figures that count are ratios of CPU time to nginx's in the same run, for absolute ones move
by a third from hour to hour. Needs gcc, nginx and taskset.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from machine import (
    GATEWAY_CPU,
    LOAD_CPU,
    build,
    free_port,
    nginx_command,
    post,
    run_load,
    started,
    wait_for_answer,
)

PROGRAM = Path(__file__).parent.parent / ".venv" / "bin" / "setaria"
SHORT: list[dict[str, str]] = [{"role": "user", "content": "Say twenty tokens."}]
LONG: list[dict[str, str]] = [{"role": "user", "content": "word " * 20_000}]
OPENAI, ANTHROPIC = "/v1/chat/completions", "/anthropic/v1/messages"


class Budget(NamedTuple):
    """One row of the table: what must hold, and whether more is better."""

    name: str
    title: str
    gate: float
    more_is_better: bool = False


BUDGETS = (
    Budget("request_vs_nginx", "CPU per request, x nginx", 3.5),
    Budget("long_request_vs_nginx", "CPU per request with a 100 KB prompt, x nginx", 3.5),
    Budget("event_vs_nginx", "CPU per relayed event, x nginx", 1.4),
    Budget("translated_event_vs_nginx", "CPU per translated event, x nginx (chat to Anthropic)", 1.8),
    Budget("translated_back_event_vs_nginx", "CPU per translated event, x nginx (Anthropic to chat)", 1.8),
    Budget("requests_per_s", "requests per second on one core", 12_000, more_is_better=True),
    Budget("tools_event_vs_nginx", "CPU per event with 12 tools offered, x nginx", 1.8),
    Budget("added_ms", "added latency at 500 requests/s, p50 less the median commit, ms", 0.35),
    Budget("settlement_16_us", "durable settlement, CPU per call in batches of 16, us", 25),
    Budget("settlement_64_us", "durable settlement, CPU per call in batches of 64, us", 12),
    Budget("settlement_64_ms", "durable settlement, p50 of a batch of 64, ms", 5),
    Budget("start_s", "start to the first answer, s", 1.0),
    Budget("memory_mb", "memory after load, parent and one worker, MB", 90),
    Budget("errors", "errors in all runs", 0),
)
STREAMS_MEMORY_MB = 100


def stream_budgets(counts: list[int]) -> list[Budget]:
    """Give the rows for many open streams."""
    return [
        budget
        for count in counts
        for budget in (
            Budget(f"streams_{count}_held", f"streams held at once, of {count:,}", count, more_is_better=True),
            Budget(f"streams_{count}_memory_mb", f"memory with {count:,} open streams, MB", STREAMS_MEMORY_MB),
            Budget(f"streams_{count}_errors", f"errors with {count:,} open streams", 0),
        )
    ]


CONFIG = """
[[upstreams]]
name = "openai"
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
[[upstreams]]
name = "anthropic"
kind = "anthropic"
base_url = "http://127.0.0.1:{port}"
[[models]]
id = "bench"
capabilities = ["tools"]
thinking = "disabled"
deployments = [{{ upstream = "openai", model = "bench" }}]
[[models]]
id = "bench-anthropic"
thinking = "disabled"
deployments = [{{ upstream = "anthropic", model = "bench" }}]
"""
PRICES = """
currency = "USD"
[[prices]]
model = "bench"
from = 2026-01-01T00:00:00Z
input = "0.14"
output = "0.28"
[[prices]]
model = "bench-anthropic"
from = 2026-01-01T00:00:00Z
input = "0.14"
output = "0.28"
"""


def ask(path: str, key: str, model: str, messages: list[dict[str, str]], **fields: Any) -> bytes:
    """Write a request of 20 tokens, or a stream of 100 events, one each 10 ms."""
    return post(path, key, {"model": model, "messages": messages, "max_tokens": 20} | fields)


PACED: list[dict[str, str]] = [{"role": "user", "content": "Say a hundred tokens, pause=10 each."}]
STREAM: dict[str, Any] = {"stream": True, "max_tokens": 100}
SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "description": "where to look"}}}
TOOLS: dict[str, Any] = {
    "tools": [
        {"type": "function", "function": {"name": f"tool_{at}", "description": "Does a thing.", "parameters": SCHEMA}}
        for at in range(12)
    ]
}


def measure_nginx(folder: Path, upstream_port: int, seconds: float) -> dict[str, float]:
    """Measure the physical limit."""
    port = free_port()
    command = nginx_command(folder, port, upstream_port)
    with started(command, port, GATEWAY_CPU, folder / "nginx.out") as pid:
        found = {
            "request_us": run_load(
                folder, port, pid, ask(OPENAI, "x", "bench", SHORT), connections=32, seconds=seconds
            ).per("requests"),
            "long_request_us": run_load(
                folder, port, pid, ask(OPENAI, "x", "bench", LONG), connections=32, seconds=seconds
            ).per("requests"),
            "event_us": run_load(
                folder, port, pid, ask(OPENAI, "x", "bench", PACED, **STREAM), connections=100, seconds=seconds
            ).per("events"),
        }
        paced = run_load(folder, port, pid, ask(OPENAI, "x", "bench", SHORT), connections=64, seconds=seconds, rate=500)
        return found | {"paced_us": float(paced.seen["p50_us"])}


@contextlib.contextmanager
def setaria(folder: Path, upstream_port: int) -> Iterator[tuple[int, int, str, float]]:
    """Start the platform in a new data folder; gives port, process id, key and the seconds to the first answer."""
    data = Path(tempfile.mkdtemp(dir=folder))
    (data / "setaria.toml").write_text(CONFIG.format(port=upstream_port))
    port = free_port()
    log = data / "log"
    serve = [str(PROGRAM), "--data", str(data), "serve", "--port", str(port)]
    with started(serve, port, GATEWAY_CPU, log):
        pass  # the first start makes the tables
    key = make_payer(data)
    begun_s = time.monotonic()
    with started(serve, port, GATEWAY_CPU, log) as pid:
        wait_for_answer(port, ask(OPENAI, key, "bench", SHORT))
        yield port, pid, key, time.monotonic() - begun_s


def make_payer(data: Path) -> str:
    """Make a prepaid account with money and enforced limits, all of it more than can be used here; gives its key."""
    (data / "prices.toml").write_text(PRICES)
    limits = ("--rpm", "1000000000", "--tpm", "1000000000000", "--in-flight", "1000000")
    for action in (
        ("prices", "import", str(data / "prices.toml")),
        ("accounts", "create", "payer"),
        ("accounts", "topup", "payer", "1000000"),
        ("limits", "set", "payer", *limits),
    ):
        command(data, *action)
    key: str = json.loads(command(data, "keys", "create", "--account", "payer", "--json"))["key"]
    return key


def command(data: Path, *words: str) -> bytes:
    """Run one of the program's commands; gives what it prints."""
    return subprocess.run([str(PROGRAM), "--data", str(data), *words], stdout=subprocess.PIPE, check=True).stdout


def measure_settlement() -> dict[str, float]:
    """Measure the store alone, on the CPU of what is measured."""
    python = str(PROGRAM.parent / "python")
    command = ["taskset", "-c", GATEWAY_CPU, python, str(Path(__file__).parent / "settlement.py")]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def measure_setaria(folder: Path, upstream_port: int, seconds: float, streams: list[int]) -> dict[str, float]:
    """Measure the platform with keys, limits, holds, metering and durable settlement on: the caller pays ahead."""
    with setaria(folder, upstream_port) as (port, pid, key, start_s):

        def load(request: bytes, connections: int, rate: float = 0) -> Any:
            return run_load(folder, port, pid, request, connections=connections, seconds=seconds, rate=rate)

        short = load(ask(OPENAI, key, "bench", SHORT), 32)
        long = load(ask(OPENAI, key, "bench", LONG), 32)
        relayed = load(ask(OPENAI, key, "bench", PACED, **STREAM), 100)
        translated = load(ask(ANTHROPIC, key, "bench", PACED, **STREAM), 100)
        back = load(ask(OPENAI, key, "bench-anthropic", PACED, **STREAM), 100)
        tools = load(ask(OPENAI, key, "bench", PACED, **STREAM, **TOOLS), 100)
        paced = load(ask(OPENAI, key, "bench", SHORT), 64, 500)
        runs = [short, long, relayed, translated, back, tools, paced]
        found = {
            "request_us": short.per("requests"),
            "long_request_us": long.per("requests"),
            "event_us": relayed.per("events"),
            "translated_event_us": translated.per("events"),
            "translated_back_event_us": back.per("events"),
            "tools_event_us": tools.per("events"),
            "requests_per_s": float(short.seen["requests_per_s"]),
            "paced_us": float(paced.seen["p50_us"]),
            "start_s": start_s,
            "memory_mb": paced.memory_mb,
        }
        for count in streams:
            slow = [{"role": "user", "content": f"pause={max(10, count // 10)}"}]
            wide = load(ask(OPENAI, key, "bench", slow, **STREAM), count)
            found[f"streams_{count}_held"] = float(wide.seen["held"])
            found[f"streams_{count}_memory_mb"] = wide.memory_mb
            found[f"streams_{count}_errors"] = float(wide.seen["errors"])
        return found | {"errors": float(sum(run.seen["errors"] for run in runs))}


def compare(nginx: dict[str, float], ours: dict[str, float]) -> dict[str, float]:
    """Turn one round's figures into those of the table."""
    return ours | {
        "request_vs_nginx": ours["request_us"] / nginx["request_us"],
        "long_request_vs_nginx": ours["long_request_us"] / nginx["long_request_us"],
        "event_vs_nginx": ours["event_us"] / nginx["event_us"],
        "translated_event_vs_nginx": ours["translated_event_us"] / nginx["event_us"],
        "translated_back_event_vs_nginx": ours["translated_back_event_us"] / nginx["event_us"],
        "tools_event_vs_nginx": ours["tools_event_us"] / nginx["event_us"],
        "added_ms": (ours["paced_us"] - nginx["paced_us"]) / 1000 - ours["settlement_1_ms"],
        "nginx_request_us": nginx["request_us"],
        "nginx_event_us": nginx["event_us"],
    }


def print_table(result: dict[str, float], budgets: list[Budget]) -> bool:
    """Print the budgets with pass or fail, then the other figures; tells whether all passed."""
    passed = True
    for budget in budgets:
        value = result[budget.name]
        holds = value >= budget.gate if budget.more_is_better else value <= budget.gate
        passed = passed and holds
        print(f"{'pass' if holds else 'FAIL'}  {budget.title:<62} {value:>10.2f}   gate {budget.gate:g}")
    for name in sorted(result.keys() - {budget.name for budget in budgets}):
        print(f"      {name:<62} {result[name]:>10.2f}")
    return passed


def main() -> None:
    """Run all rounds and print the medians; exit code 1 when a gate fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--streams", type=int, nargs="*", default=[1000, 5000], help="hold so many streams at once")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        build(folder)
        upstream_port = free_port()
        server = [str(folder / "model_server"), str(upstream_port)]
        with started(server, upstream_port, LOAD_CPU, folder / "model_server.out"):
            rounds = [
                compare(
                    measure_nginx(folder, upstream_port, options.seconds),
                    measure_settlement() | measure_setaria(folder, upstream_port, options.seconds, options.streams),
                )
                for _ in range(options.rounds)
            ]
    result = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    if options.json:
        print(json.dumps(result))
    elif not print_table(result, [*BUDGETS, *stream_budgets(options.streams)]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
