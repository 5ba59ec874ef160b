"""Machine: builds the C programs, starts what is measured, and reads what processes cost."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
LOAD_CPU, GATEWAY_CPU = "0", "1"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """One run of the load: what the load saw, and what the gateway's processes took meanwhile."""

    seen: dict[str, Any]
    cpu_s: float
    memory_mb: float

    def per(self, what: str) -> float:
        """Give CPU microseconds per request or event."""
        return self.cpu_s * 1e6 / max(1, int(self.seen[what]))


def build(folder: Path) -> None:
    """Compile the model server and the load."""
    for name in ("model_server", "load"):
        subprocess.run(["gcc", "-O2", "-o", folder / name, HERE / f"{name}.c"], check=True)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def started(command: list[str], port: int, cpu: str, log: Path, ready_s: float = 30.0) -> Iterator[int]:
    """Run a server pinned to one CPU until it is not needed; gives its process id once it listens."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["taskset", "-c", cpu, *command], stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for_port(port, process, ready_s)
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", timeout_s: float = 30.0) -> None:
    """Wait until somebody listens."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise SystemExit(f"nothing listens on port {port}: see the log")


def wait_for_answer(port: int, request: bytes, timeout_s: float = 30.0) -> None:
    """Send a request until it is answered with 200."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(request)
            if line.recv(65536).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.01)
    raise SystemExit(f"no answer on port {port}: see the log")


def tree_of(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += parents.get(found[-1], [])
    return found


def cpu_of(pids: list[int]) -> float:
    """Add up the CPU seconds of processes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def memory_of(pids: list[int]) -> float:
    """Add up the proportional memory of processes, in MB."""
    total_kb = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total_kb += int(line.split()[1])
    return total_kb / 1024


def run_load(
    folder: Path, port: int, pid: int, request: bytes, *, connections: int, seconds: float, rate: float = 0
) -> Measured:
    """Put a load on a port and measure the process tree of `pid` over the part of the time that the load counts."""
    file = folder / "request"
    file.write_bytes(request)
    arguments = [str(port), str(connections), str(seconds), str(rate), str(file)]
    load = subprocess.Popen(["taskset", "-c", LOAD_CPU, str(folder / "load"), *arguments], stdout=subprocess.PIPE)
    time.sleep(seconds / 5)
    before_s = cpu_of(tree_of(pid))
    time.sleep(seconds * 4 / 5 - 0.05)
    pids = tree_of(pid)
    after_s, memory_mb = cpu_of(pids), memory_of(pids)
    output, _ = load.communicate(timeout=60)
    return Measured(json.loads(output), after_s - before_s, memory_mb)


def post(path: str, key: str, body: dict[str, Any]) -> bytes:
    """Write a request as the bytes that the load sends."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


def nginx_command(folder: Path, port: int, upstream_port: int) -> list[str]:
    """Write the plainest nginx that relays to the model server, and give the command that runs it."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    config = folder / "nginx.conf"
    config.write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
worker_rlimit_nofile 60000; events {{ worker_connections 25000; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_buffer_size 256k; client_max_body_size 10m; {folders}
  upstream models {{ server 127.0.0.1:{upstream_port}; keepalive 8000; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location / {{
      proxy_pass http://models; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
""")
    return [nginx, "-c", str(config)]
