"""Peers: measures another gateway, LiteLLM's proxy, beside nginx and Setaria, in one run with the same load.

`python bench/peers.py [--seconds N]`. LiteLLM is installed into an environment of its own outside the checkout. It has
one worker, a master key and no database, so it keeps no books; Setaria has keys, metering and durable settlement on.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import GATEWAY_CPU, LOAD_CPU, build, free_port, nginx_command, run_load, started, wait_for_answer
from run import OPENAI, PACED, SHORT, STREAM, ask, setaria

VERSION = "1.108.7"
KEY = "sk-bench"
CONFIG = """
model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: "http://127.0.0.1:{port}/v1", api_key: none}}
general_settings: {{master_key: {key}}}
litellm_settings: {{telemetry: false}}
"""
START_S = 180.0
WARM_UP_S = 3.0
PACE_PER_S = 20  # requests a second that all of them can keep up with
FIGURES = {
    "request_us": "CPU us per request, 32 connections",
    "event_us": "CPU us per relayed event, 10 streams",
    "requests_per_s": "requests/s on one core",
    "p50_ms": f"ms to the answer, p50 at {PACE_PER_S} requests/s",
    "memory_mb": "MB after load",
    "errors": "errors",
}


def install() -> Path:
    """Install LiteLLM unless it is there; gives its program."""
    folder = Path(os.environ.get("SETARIA_PEERS") or Path.home() / ".cache" / "setaria-peers")
    place = folder / f"litellm-{VERSION}"
    stamp = place / ".installed"
    if not stamp.exists():
        print(f"installing LiteLLM {VERSION} into {place} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([place / "bin" / "pip", "install", "--quiet", f"litellm[proxy]=={VERSION}"], check=True)
        stamp.touch()
    return place / "bin" / "litellm"


def measure(folder: Path, port: int, pid: int, key: str, seconds: float) -> dict[str, float]:
    """Measure one gateway."""
    wait_for_answer(port, ask(OPENAI, key, "bench", SHORT), timeout_s=START_S)
    run_load(folder, port, pid, ask(OPENAI, key, "bench", SHORT), connections=8, seconds=WARM_UP_S)
    short = run_load(folder, port, pid, ask(OPENAI, key, "bench", SHORT), connections=32, seconds=seconds)
    relayed = run_load(folder, port, pid, ask(OPENAI, key, "bench", PACED, **STREAM), connections=10, seconds=seconds)
    paced = run_load(
        folder, port, pid, ask(OPENAI, key, "bench", SHORT), connections=16, seconds=seconds, rate=PACE_PER_S
    )
    return {
        "request_us": short.per("requests"),
        "event_us": relayed.per("events"),
        "requests_per_s": float(short.seen["requests_per_s"]),
        "p50_ms": float(paced.seen["p50_us"]) / 1000,
        "memory_mb": paced.memory_mb,
        "errors": float(sum(run.seen["errors"] for run in (short, relayed, paced))),
    }


def measure_all(program: Path, folder: Path, upstream_port: int, seconds: float) -> dict[str, dict[str, float]]:
    """Measure nginx, Setaria and LiteLLM, one after another."""
    found = {}
    port = free_port()
    with started(nginx_command(folder, port, upstream_port), port, GATEWAY_CPU, folder / "nginx.out") as pid:
        found["nginx"] = measure(folder, port, pid, "x", seconds)
    with setaria(folder, upstream_port) as (port, pid, key, _):
        found["Setaria"] = measure(folder, port, pid, key, seconds)
    config = folder / "litellm.yaml"
    config.write_text(CONFIG.format(port=upstream_port, key=KEY))
    port = free_port()
    command = ["env", "LITELLM_LOCAL_MODEL_COST_MAP=True", str(program), "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    with started(command, port, GATEWAY_CPU, folder / "litellm.out", START_S) as pid:
        found["LiteLLM"] = measure(folder, port, pid, KEY, seconds)
    return found


def main() -> None:
    """Install, measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    program = install()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        build(folder)
        upstream_port = free_port()
        server = [str(folder / "model_server"), str(upstream_port)]
        with started(server, upstream_port, LOAD_CPU, folder / "model_server.out"):
            found = measure_all(program, folder, upstream_port, options.seconds)
    print(f"{'':<45}" + "".join(f"{name:>14}" for name in found) + f"{'LiteLLM/ours':>14}")
    for figure, title in FIGURES.items():
        values = [gateway[figure] for gateway in found.values()]
        ratio = found["LiteLLM"][figure] / found["Setaria"][figure] if found["Setaria"][figure] else 0
        print(f"{title:<45}" + "".join(f"{value:>14,.1f}" for value in values) + f"{ratio:>14,.2f}")


if __name__ == "__main__":
    main()
