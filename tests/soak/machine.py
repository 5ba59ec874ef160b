"""Machine: what the server's processes hold, as the system and the server itself tell."""

import os
import urllib.request
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end.running import Running
from tests.prometheus_text import read_metrics

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MB = 1024 * 1024


class Held(NamedTuple):
    """What is held at one moment; of the clients' connections, all but the one that asks."""

    clients: int
    busy: int
    tasks: int
    descriptors: int


def processes_of(platform: Running) -> list[int]:
    """List the parent and its workers."""
    return [platform.process.pid, *platform.pids("worker")]


def memory_mb(pids: list[int]) -> float:
    """Tell the memory that processes hold."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * PAGE_BYTES / MB


def look(platform: Running, pids: list[int]) -> Held:
    """Look at connections, tasks and open descriptors."""
    with urllib.request.urlopen(platform.base_url + "/metrics", timeout=10) as answer:  # noqa: S310 - our own
        found = read_metrics(answer.read())
    busy = sum(
        int(value)
        for (name, labels), value in found.items()
        if name == "setaria_upstream_connections" and ("state", "busy") in labels
    )
    return Held(
        clients=int(found["setaria_client_connections", ()]) - 1,
        busy=busy,
        tasks=int(found["setaria_tasks", ()]),
        descriptors=sum(len([*Path(f"/proc/{pid}/fd").iterdir()]) for pid in pids),
    )
