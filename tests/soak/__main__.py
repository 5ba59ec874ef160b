"""Runs the soak: `python -m tests.soak --minutes 10`; exit code 1 when anything is not as it must be."""

import argparse
import asyncio
import contextlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop

from tests.end_to_end.running import Running, running
from tests.soak.books import find_faults, read_books
from tests.soak.machine import Held, look, memory_mb, processes_of
from tests.soak.menu import write_config
from tests.soak.tally import Tally
from tests.soak.visitor import DEADLINE_S, VISITS, Visitor

SETTLES_WITHIN_S = 90.0  # idle connections to upstreams are closed after 60 s
MEMORY_GROWTH = 0.05
SPARE_DESCRIPTORS = 3
LAST_LOAD_S = 5.0


class Finding(NamedTuple):
    """One line of the table."""

    what: str
    says: str
    ok: bool


class Soak:
    """One run."""

    def __init__(self, platform: Running, clients: int, minutes: float) -> None:
        self.tally = Tally()
        self.findings: list[Finding] = []
        self._platform = platform
        self._pids = processes_of(platform)
        self._seconds = minutes * 60
        self._visitors = [Visitor(platform.base_url, platform.key, self.tally, seed) for seed in range(clients)]
        self._memory_mb: list[float] = []

    async def run(self) -> None:
        """Load, let it settle, load again and end the server meanwhile."""
        await self._load(5.0)
        before = await self._settle(None)
        await self._load(self._seconds, self._memory_mb)
        after = await self._settle(before)
        self._find_leaks(before, after)
        await self._end_under_load()
        self._find_hangs()

    async def _load(self, seconds: float, memory_mb_seen: list[float] | None = None) -> None:
        stopped = asyncio.Event()
        visiting = [asyncio.create_task(visitor.visit_until(stopped)) for visitor in self._visitors]
        began_s = shown_s = time.monotonic()
        while time.monotonic() < began_s + seconds:
            await asyncio.sleep(1)
            if memory_mb_seen is not None:
                memory_mb_seen.append(memory_mb(self._pids))
                if time.monotonic() > shown_s + 30:
                    shown_s = time.monotonic()
                    self._show(shown_s - began_s)
        stopped.set()
        await asyncio.gather(*visiting)

    def _show(self, after_s: float) -> None:
        counts = f"{self.tally.calls} calls, {len(self.tally.flaws)} flaws, {self._memory_mb[-1]:.1f} MB"
        print(f"after {after_s:4.0f} s: {counts}", flush=True)

    async def _settle(self, wanted: Held | None) -> Held:
        """Wait until nothing is under way and what was idle is closed; gives what is held then."""
        until_s = time.monotonic() + SETTLES_WITHIN_S
        while True:
            held = await asyncio.to_thread(look, self._platform, self._pids)
            quiet = held.clients == held.busy == 0
            if time.monotonic() > until_s or (quiet and wanted is not None and is_flat(wanted, held)):
                return held
            if wanted is None and quiet and time.monotonic() > until_s - SETTLES_WITHIN_S + 65:
                return held
            await asyncio.sleep(1)

    def _find_leaks(self, before: Held, after: Held) -> None:
        self._add("client connections at the end", f"{after.clients}", ok=after.clients == 0)
        self._add("busy upstream connections", f"{after.busy}", ok=after.busy == 0)
        self._add("tasks before, after", f"{before.tasks}, {after.tasks}", ok=after.tasks <= before.tasks)
        descriptors = f"{before.descriptors}, {after.descriptors}"
        self._add("open descriptors before, after", descriptors, ok=is_flat(before, after))
        warm = window = min(60, len(self._memory_mb) // 3)
        first = statistics.median(self._memory_mb[warm : warm + window])  # of a minute, for huge answers come and go
        last = statistics.median(self._memory_mb[-window:])
        growth = last / first - 1
        says = f"{first:.1f} MB, {last:.1f} MB: {growth:+.1%}"
        self._add(f"memory after {warm} s, at the end", says, ok=growth <= MEMORY_GROWTH)

    async def _end_under_load(self) -> None:
        loading = asyncio.create_task(self._load(LAST_LOAD_S))
        await asyncio.sleep(LAST_LOAD_S / 2)
        for visitor in self._visitors:
            visitor.server_ends = True
        began_s = time.monotonic()
        self._platform.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self._platform.process.wait)
        await loading
        self._add("SIGTERM under load", f"exit code {code} in {time.monotonic() - began_s:.1f} s", ok=code == 0)

    def _find_hangs(self) -> None:
        seconds, model = self.tally.slowest
        slowest = f"slowest call {seconds:.1f} s of {DEADLINE_S:g} s ({model})"
        self._add("visits", f"{self.tally.visits.total()}, {slowest}", ok=set(self.tally.visits) == set(VISITS))
        self._add("hangs, cuts and silent ends", f"{len(self.tally.flaws)}", ok=not self.tally.flaws)

    def check_books(self) -> list[str]:
        """Hold the books against what clients saw; gives everything that is not as it must be."""
        books = read_books(self._platform.data, self._platform.log)
        faults = find_faults(books, self.tally)
        heard = f"{self.tally.calls} calls, {len(books.rows)} rows, {len(books.refused)} refusals"
        self._add("one row a call", heard, ok=not faults)
        self._add("complaints in the log", f"{len(books.complaints)}", ok=not books.complaints)
        endings = sorted(set(books.rows.values()))
        self._add("endings", ", ".join(endings), ok=len(endings) > 1)
        return [*self.tally.flaws, *faults, *books.complaints]

    def _add(self, what: str, says: str, *, ok: bool) -> None:
        self.findings.append(Finding(what, says, ok))


def is_flat(before: Held, after: Held) -> bool:
    """Tell whether nothing more is held than before."""
    return after.descriptors <= before.descriptors + SPARE_DESCRIPTORS and after.tasks <= before.tasks


@contextlib.contextmanager
def fault_server() -> Iterator[int]:
    """Run the fault server as a program; gives its port."""
    command = [sys.executable, "-m", "tests.fault_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.terminate()


def main() -> int:
    """Soak and show the table."""
    parser = argparse.ArgumentParser(description="Mixed faults for minutes; nothing may hang, leak or be lost.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=48)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="setaria-soak-") as folder, fault_server() as port, socket.socket() as away:
        away.bind(("127.0.0.1", 0))  # and never listens
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        (data / "setaria.toml").write_text(write_config(port, away.getsockname()[1]))
        with running(data, "--workers", str(options.workers)) as platform:
            soak = Soak(platform, options.clients, options.minutes)
            uvloop.run(soak.run())
        troubles = soak.check_books()
    for trouble in troubles[:30]:
        print(f"  {trouble}")
    for finding in soak.findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what:34}  {finding.says}")
    return 0 if all(finding.ok for finding in soak.findings) else 1


if __name__ == "__main__":
    sys.exit(main())
