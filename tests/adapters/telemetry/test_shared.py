"""The figures of several workers, whichever is asked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from setaria.adapters.telemetry.exposition import write_samples
from setaria.adapters.telemetry.metrics import Metrics, Samples
from setaria.adapters.telemetry.shared import FRESH_MS, SharedMetrics, forget_figures
from tests.fakes.clock import FakeClock
from tests.prometheus_text import read_metrics

LOST, WORKERS = ("setaria_settlements_lost_total", ()), ("setaria_workers", ())


class Worker:
    """A worker as far as its figures go."""

    def __init__(self, folder: Path, number: int, clock: FakeClock) -> None:
        self.metrics = Metrics()
        self.shared = SharedMetrics(folder, f"worker-{number}", self.metrics.samples, self._gauges, clock)

    def count(self, times: int) -> None:
        """Count something."""
        for _ in range(times):
            self.metrics.count_lost_settlement()

    async def ask(self) -> tuple[float, float]:
        """Ask for the sums: what was counted, and how many workers there are."""
        read = read_metrics(write_samples(await self.shared.sum_up()))
        return read[LOST], read[WORKERS]

    def _gauges(self) -> Samples:
        return {("setaria_workers",): 1}


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[list[Worker], FakeClock], Awaitable[None]]], None]:
    """Play a story with three workers in one folder."""

    def play(story: Callable[[list[Worker], FakeClock], Awaitable[None]]) -> None:
        async def whole() -> None:
            clock = FakeClock()
            workers = [Worker(tmp_path, number, clock) for number in (1, 2, 3)]
            for worker in workers:
                await worker.shared.open()
            await story(workers, clock)
            for worker in workers:
                await worker.shared.close()

        asyncio.run(whole())

    return play


Play = Callable[[Callable[[list[Worker], FakeClock], Awaitable[None]]], None]


def test_whoever_is_asked_knows_all(play: Play) -> None:
    """The sums are exact at once, at every worker."""

    async def story(workers: list[Worker], clock: FakeClock) -> None:
        for times, worker in enumerate(workers, start=1):
            worker.count(times)
        assert [await worker.ask() for worker in workers] == [(6, 3)] * 3
        workers[2].count(10)
        assert [await worker.ask() for worker in workers] == [(16, 3)] * 3

    play(story)


def test_a_dead_workers_counts_stay(play: Play, tmp_path: Path) -> None:
    """No sum goes back when a worker dies, and its successor counts on; its gauges end."""

    async def story(workers: list[Worker], clock: FakeClock) -> None:
        workers[2].count(5)
        assert await workers[0].ask() == (5, 3)
        assert workers[2].shared._server is not None
        workers[2].shared._server.close()
        clock.advance((FRESH_MS + 1) / 1000)
        assert await workers[0].ask() == (5, 2)
        workers[2] = Worker(tmp_path, 3, clock)
        await workers[2].shared.open()
        workers[2].count(1)
        assert [await worker.ask() for worker in workers] == [(6, 3)] * 3

    play(story)


def test_a_worker_that_does_not_answer_is_not_waited_for(play: Play, tmp_path: Path) -> None:
    """Its last file counts, after half a second."""

    async def story(workers: list[Worker], clock: FakeClock) -> None:
        workers[2].count(5)
        await workers[2].shared.close()
        door = tmp_path / "m-3.sock"
        door.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(str(door))
            deaf.listen()
            async with asyncio.timeout(2):
                assert await workers[0].ask() == (5, 3)

    play(story)


def test_a_full_disk_does_not_silence_the_worker(play: Play, tmp_path: Path) -> None:
    """What can't be written is told all the same, and a broken file is passed over."""

    async def story(workers: list[Worker], clock: FakeClock) -> None:
        workers[0].count(4)
        (tmp_path / "m-1.new").mkdir()
        (tmp_path / "m-2.figures").write_bytes(b"\xc1")
        (tmp_path / "m-2.new").mkdir()
        assert await workers[0].ask() == (4, 2)
        (tmp_path / "m-1.new").rmdir()
        (tmp_path / "m-2.new").rmdir()

    play(story)


def test_a_new_server_begins_at_nothing(tmp_path: Path) -> None:
    """What an earlier server left is removed, and nothing else."""

    async def count() -> tuple[float, float]:
        worker = Worker(tmp_path, 1, FakeClock())
        await worker.shared.open()
        worker.count(3)
        told = await worker.ask()
        await worker.shared.close()
        return told

    (tmp_path / "engine.sock").touch()
    assert asyncio.run(count()) == (3, 1)
    forget_figures(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["engine.sock"]
    assert asyncio.run(count()) == (3, 1)
