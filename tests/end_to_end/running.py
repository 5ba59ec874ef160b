"""Running: the platform as a user starts it, in processes of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).parent / "setaria"
READY_S = 60.0  # a busy machine takes its time


class Running:
    """A platform under way; `log` is what its processes wrote."""

    def __init__(self, data: Path, process: subprocess.Popen[bytes], log_file: Path, banner_file: Path) -> None:
        self.data = data
        self.process = process
        self._log_file = log_file
        self._banner_file = banner_file
        self.base_url = ""
        self.key = ""

    @property
    def banner(self) -> str:
        """What it printed for people."""
        return self._banner_file.read_text()

    @property
    def log(self) -> str:
        """What its processes logged, as text."""
        return self._log_file.read_text()

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """What its processes logged, line by line."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run another command on the same data folder; gives its output."""
        done = subprocess.run(
            [PROGRAM, "--data", str(self.data), *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def calls(self, limit: int = 100) -> list[dict[str, Any]]:
        """List the newest calls on the books."""
        listed: list[dict[str, Any]] = json.loads(self.command("calls", "list", "--json", "--limit", str(limit)))
        return listed

    def call_row(self, call_id: str) -> dict[str, Any]:
        """Wait for the row of one call, for a call that the client left is settled after it left."""
        return wait_for(lambda: next((row for row in self.calls() if row["id"] == call_id), None))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request with the first key."""
        request = urllib.request.Request(  # noqa: S310 - an address of the test's own
            self.base_url + path, json.dumps(body).encode(), {"authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            found: dict[str, Any] = json.load(answer)
        return found

    def pids(self, name: str) -> list[int]:
        """Find the processes of one kind, such as `worker` or `engine`."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if f"setaria.bootstrap.{name} " in line]

    def stop(self) -> int:
        """End it as an operator does; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def wait_for(find: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """Ask again and again until there is something; fails after `timeout_s`."""
    deadline_s = time.monotonic() + timeout_s
    while not (found := find()):
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def running(data: Path, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """Start the platform on a free port and wait until it is ready; it is ended afterwards whatever happens."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_file, banner_file = data / "test.log", data / "test.banner"
    with log_file.open("wb") as log, banner_file.open("wb") as banner:
        process = subprocess.Popen(
            [PROGRAM, "--data", str(data), "serve", "--port", "0", *arguments],
            stdout=banner,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | (environment or {}),
        )
    platform = Running(data, process, log_file, banner_file)
    try:
        wait_for(lambda: "is ready" in platform.banner or process.poll() is not None, READY_S)
        assert process.poll() is None, platform.log
        wait_for(lambda: "Try it" in platform.banner)
        address = re.search(r"OpenAI base URL\s+(http://\S+)/v1", platform.banner)
        assert address is not None
        platform.base_url = address[1]
        first_key = data / "first-key"
        if first_key.exists():
            platform.key = first_key.read_text().strip()
        yield platform
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
