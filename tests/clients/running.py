"""Running: one tool once through its whole loop, and what was wrong with it."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.clients.installing import search_path
from tests.clients.tools import Task, Tool
from tests.end_to_end.asking import Client
from tests.end_to_end.faults import Upstream
from tests.end_to_end.running import Running
from tests.fault_server.said import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS
from tests.fault_server.server import FaultServer

RUN_S = 180
LEAST_CALLS = 3  # read, write, answer
PROTOCOLS = {"chat": "openai_chat", "messages": "anthropic_messages"}
TOLD_TOKENS = {
    "input_tokens": INPUT_TOKENS - CACHED_TOKENS,
    "cached_input_tokens": CACHED_TOKENS,
    "output_tokens": OUTPUT_TOKENS,
}
PROBES = ("GET", "HEAD")  # tools ask what a server has; the answer 404 is a good one


class Run(NamedTuple):
    """What came of one run; without problems it is good."""

    tool: str
    client: Client
    upstream: Upstream
    calls: int
    seconds: float
    problems: list[str]
    output: str


def drive(tool: Tool, program: Path, pair: tuple[Client, Upstream], platform: Running, server: FaultServer) -> Run:
    """Let a tool do its task with a key of its own, and check everything that it left behind."""
    client, upstream = pair
    key = json.loads(platform.command("keys", "create", "--name", tool.name, "--json"))
    word = f"secret-{secrets.token_hex(6)}"
    asked_before, logged_before = len(server.requests), len(platform.log_lines)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="setaria-client-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        task = Task(folder, folder / "work", str(program), client, platform.base_url, key["key"], f"loop-{upstream}")
        task.work.mkdir()
        (task.work / "hello.txt").write_text(f"The secret word is {word}.\n")
        output, problems = _run(tool, task)
        written = task.work / "out.txt"
        if not written.exists() or word not in written.read_text():
            problems.append("the file was not written")
    if word not in output:
        problems.append("the answer does not say the word")
    seconds = time.monotonic() - began_s
    rows = [row for row in platform.calls(1000) if row["key"] == key["id"]]
    problems += _check_rows(rows, pair, len(server.requests) - asked_before)
    problems += _check_log(platform.log_lines[logged_before:])
    return Run(tool.name, client, upstream, len(rows), seconds, problems, output)


def _run(tool: Tool, task: Task) -> tuple[str, list[str]]:
    """Run the program to its end; gives what it wrote, and what was wrong with how it ended."""
    command = tool.run(task)
    away = "http://127.0.0.1:9"  # nothing listens there: a tool reaches this machine only
    environment = {"PATH": search_path(), "HOME": str(task.home), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1"}
    environment |= {"HTTP_PROXY": away, "HTTPS_PROXY": away, "DO_NOT_TRACK": "1"}
    process = subprocess.Popen(
        command.arguments,
        cwd=task.work,
        env=environment | command.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    problems: list[str] = []
    try:
        output, _ = process.communicate(timeout=RUN_S)
    except subprocess.TimeoutExpired:
        problems.append(f"it did not end within {RUN_S} s")
        output = b""
    finally:
        _end_processes(process.pid, task.home)
        process.wait()
    if process.returncode and not problems:
        problems.append(f"exit code {process.returncode}")
    return output.decode(errors="replace"), problems


def _end_processes(group: int, home: Path) -> None:
    """End what the tool started, what it left running in the background too; that is known by its home."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    mark = f"HOME={home}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in entry.read_bytes().split(b"\0"):
                os.kill(int(entry.parent.name), signal.SIGKILL)


def _check_rows(rows: list[dict[str, object]], pair: tuple[Client, Upstream], asked: int) -> list[str]:
    """Every request at the model server is one good row, with what the server said that it took."""
    expected = {"protocol": PROTOCOLS[pair[0]], "upstream": pair[1], "status": 200, "ending": "completed"}
    expected |= {"counts_from": "upstream", "attempts": 1} | TOLD_TOKENS
    problems = [
        f"a row has {name} {row[name]}, not {value}"
        for row in rows
        for name, value in expected.items()
        if row[name] != value
    ]
    if len(rows) != asked or asked < LEAST_CALLS:
        problems.append(f"{len(rows)} rows for {asked} requests")
    return problems


def _check_log(lines: list[dict[str, object]]) -> list[str]:
    """Nothing was refused but questions for what is not there, and nothing failed."""
    return [
        f"the platform logged {line['event']} {line.get('status', '')} {line.get('error', '')} {line.get('param', '')}"
        for line in lines
        if line["level"] != "info" or (line["event"] == "refused" and line["status"] not in (404, 405))
    ]
