"""`python -m tests.clients [NAME ...]`: runs real tools through the platform and prints what came of each.

Each tool does its task (read a file, write a file, answer) in every pairing of its protocols with those of the model
server, which is scripted. Exit code 1 when a run failed; what cannot be installed here is listed as not run.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import get_args

from tests.clients.installing import Missing, install_tool
from tests.clients.running import Run, drive
from tests.clients.tools import TOOLS, Tool
from tests.end_to_end.faults import Upstream
from tests.end_to_end.running import running
from tests.fault_server.thread import fault_server

CONFIG = """
[[upstreams]]
name = "openai"
kind = "openai"
base_url = "{url}/v1"
[[upstreams]]
name = "anthropic"
kind = "anthropic"
base_url = "{url}"
[[models]]
id = "loop-openai"
context_tokens = 262144
capabilities = ["tools", "thinking", "json"]
deployments = [{{ upstream = "openai", model = "loop" }}]
[[models]]
id = "loop-anthropic"
context_tokens = 262144
capabilities = ["tools", "thinking", "json"]
deployments = [{{ upstream = "anthropic", model = "loop" }}]
"""
OUTPUT_LINES = 15


def install(tools: list[Tool]) -> tuple[dict[str, Path], dict[str, str]]:
    """Install tools; gives the programs of those that are there, and of the others why they are not."""
    programs, missing = {}, {}
    for tool in tools:
        print(f"installing {tool.name} {tool.version} ...", flush=True)
        try:
            programs[tool.name] = install_tool(tool)
        except Missing as reason:
            missing[tool.name] = str(reason)
    return programs, missing


def run_all(tools: list[Tool], programs: dict[str, Path], folder: Path) -> list[Run]:
    """Run every tool in all its pairings, one after another."""
    runs: list[Run] = []
    data = folder / "data"
    data.mkdir()
    with fault_server() as server:
        (data / "setaria.toml").write_text(CONFIG.format(url=server.url))
        with running(data) as platform:
            for tool in tools:
                for client in tool.clients if tool.name in programs else ():
                    for upstream in get_args(Upstream):
                        runs.append(drive(tool, programs[tool.name], (client, upstream), platform, server))
                        print_run(runs[-1], tool.version)
    return runs


def print_run(run: Run, version: str) -> None:
    """Print one row of the table, and what is needed to see why it failed."""
    verdict = "FAIL" if run.problems else "pass"
    row = f"{run.tool:<15} {version:<10} {run.client:<9} {run.upstream:<10} {run.calls:>5} {run.seconds:>6.1f} s"
    print(f"{verdict}  {row}", flush=True)
    for problem in run.problems:
        print(f"      {problem}")
    for line in run.output.splitlines()[-OUTPUT_LINES:] if run.problems else ():
        print(f"      | {line[:200]}")


def main() -> int:
    """Install, run and count; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="tools to run, by the beginning of their names")
    wanted = tuple(name.lower().replace("-", " ") for name in parser.parse_args().names) or ("",)
    tools = [tool for tool in TOOLS if tool.name.lower().startswith(wanted)]
    programs, missing = install(tools)
    print(f"\n      {'tool':<15} {'version':<10} {'client':<9} {'upstream':<10} {'calls':>5}     time")
    with tempfile.TemporaryDirectory(prefix="setaria-clients-") as folder:
        runs = run_all(tools, programs, Path(folder))
    for name, reason in missing.items():
        print(f"not run  {name}: {reason}")
    failed = sum(bool(run.problems) for run in runs)
    print(f"\n{len(runs) - failed} passed, {failed} failed, {len(missing)} tools not run")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
