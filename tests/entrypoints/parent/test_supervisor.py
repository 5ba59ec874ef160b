"""Supervisor: what should be there is there, and nothing that ends is waited for in vain."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from setaria.entrypoints.parent.child import ChildSpec
from setaria.entrypoints.parent.supervisor import (
    FIRST_PAUSE_S,
    KILL_AFTER_S,
    LIVED_LONG_S,
    LONGEST_PAUSE_S,
    LONGEST_PAUSE_WHEN_READY_S,
    Post,
    Supervisor,
)
from tests.fakes.clock import FakeClock
from tests.fakes.log import FakeLog
from tests.fakes.waiting import turns, until

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let child processes find the program that they run."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[socket.socket]:
    """Give a socket that listens at `door` in the test's folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "door"))
        listening.listen()
        listening.setblocking(False)
        yield listening


class Yard:
    """Makes posts and keeps them until the story is over."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = FakeLog()
        self.workers: list[Post] = []
        self.others: list[Post] = []
        self.supervisor = Supervisor(self.workers, self.others)

    def worker(self, behaviour: str) -> Post:
        """Make a post of a worker."""
        self.workers.append(Post(spec(behaviour), self.clock, self.log))
        return self.workers[-1]

    def other(self, behaviour: str, door: socket.socket) -> Post:
        """Make a post of a process that starts when it is asked for."""
        self.others.append(Post(spec(behaviour, door.fileno()), self.clock, self.log, door))
        return self.others[-1]

    def told(self, event: str, field: str) -> list[object]:
        """Give a field of all lines of an event."""
        return [fields[field] for _, each, fields in self.log.lines if each == event]

    async def deaths(self, count: int) -> None:
        """Wait until so many have died."""
        await until(lambda: self.log.events.count("process_died") == count, 20.0)

    async def births(self, count: int) -> None:
        """Wait until so many have become ready."""
        await until(lambda: self.log.events.count("process_ready") == count, 20.0)


def spec(behaviour: str, *sockets: int) -> ChildSpec:
    """Say what is started."""
    return ChildSpec(behaviour, "tests.entrypoints.parent.child_program", behaviour.encode(), sockets)


def supervise(story: Callable[[Yard], Awaitable[None]]) -> Yard:
    """Play a story; whatever still runs at its end is killed."""

    async def whole() -> Yard:
        yard = Yard()
        try:
            await story(yard)
        finally:
            yard.supervisor.kill()
            await yard.supervisor.stop(0.0)
        return yard

    return asyncio.run(whole())


def count_descriptors() -> int:
    """Count what this process has open."""
    return len([*Path("/proc/self/fd").iterdir()])


async def knock(path: Path) -> bytes:
    """Connect to the door and read all that is said there."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


def test_a_worker_that_dies_is_started_again() -> None:
    """A worker is there from the start, and again soon after it was killed."""

    async def story(yard: Yard) -> None:
        yard.worker("stay")
        yard.supervisor.start()
        assert await yard.supervisor.until_ready(3)
        (first,) = yard.told("process_ready", "pid")
        os.kill(int(str(first)), signal.SIGKILL)
        await yard.births(2)
        assert yard.told("process_died", "pid") == [first]
        assert (yard.told("process_died", "code"), yard.told("process_died", "restart_in_s")) == ([-9], [FIRST_PAUSE_S])
        assert len(set(yard.told("process_ready", "pid"))) == 2

    supervise(story)


def test_a_worker_that_can_not_start() -> None:
    """A worker that dies before it was ready is tried again after pauses that double, until that is given up."""

    async def story(yard: Yard) -> None:
        post = yard.worker("fail")
        yard.supervisor.start()
        assert not await yard.supervisor.until_ready(3)
        assert (post.failed_starts, post.ready.is_set()) == (3, False)
        assert yard.told("process_died", "restart_in_s") == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
        assert yard.told("process_died", "code") == [3, 3, 3]

    supervise(story)


@pytest.mark.parametrize(
    "behaviour, pause_s, lived_s, following_s",
    [
        ("die", 8.0, 0.0, LONGEST_PAUSE_WHEN_READY_S),
        ("fail", 8.0, 0.0, 16.0),
        ("fail", 20.0, 0.0, LONGEST_PAUSE_S),
        ("die", 8.0, LIVED_LONG_S + 1, 2 * FIRST_PAUSE_S),
    ],
)
def test_how_long_the_pauses_grow(behaviour: str, pause_s: float, lived_s: float, following_s: float) -> None:
    """Pauses grow to 30 s for what can't start and to 1 s for what can; who has lived long begins anew."""

    async def story(yard: Yard) -> None:
        post = yard.worker(behaviour)
        post._pause_s = pause_s
        yard.supervisor.start()
        await until(lambda: post._child is not None)
        yard.clock.advance(lived_s)
        await yard.deaths(1)
        await turns()
        post._knocked.set()  # the pause is over
        await yard.deaths(2)
        paused_s = FIRST_PAUSE_S if lived_s else pause_s
        assert yard.told("process_died", "restart_in_s") == [paused_s, following_s]

    supervise(story)


def test_what_is_asked_for_is_started(door: socket.socket, tmp_path: Path) -> None:
    """A process behind a door starts when somebody knocks, and when it has died at the next knock."""

    async def story(yard: Yard) -> None:
        yard.other("die", door)
        yard.supervisor.start()
        await turns()
        assert yard.log.events == []
        assert await knock(tmp_path / "door") == b"welcome"
        await yard.deaths(1)
        assert await knock(tmp_path / "door") == b"welcome"
        assert yard.log.events[:3] == ["process_ready", "process_died", "process_ready"]

    supervise(story)


def test_nobody_waits_for_what_can_not_start(door: socket.socket, tmp_path: Path) -> None:
    """Who knocks at the door of a process that can't start is turned away when it has died."""

    async def story(yard: Yard) -> None:
        post = yard.other("fail", door)
        yard.supervisor.start()
        visitors = await asyncio.gather(knock(tmp_path / "door"), knock(tmp_path / "door"))
        assert list(visitors) == [b"", b""]
        assert post.failed_starts == 1

    supervise(story)


def test_a_system_that_starts_no_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the system refuses to start a process it is tried again, and nothing is left open of the first time."""
    python = sys.executable
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))

    async def story(yard: Yard) -> None:
        post = yard.worker("stay")
        opened = count_descriptors()
        yard.supervisor.start()
        await until(lambda: post.failed_starts)
        assert yard.told("process_not_started", "reason") == ["No such file or directory"]
        assert count_descriptors() <= opened
        monkeypatch.setattr(sys, "executable", python)
        assert await yard.supervisor.until_ready(3)

    supervise(story)


def test_a_stop_ends_everything(door: socket.socket) -> None:
    """A stop ends what runs, what pauses and what waits to be asked for, and starts nothing more."""

    async def story(yard: Yard) -> None:
        yard.worker("stay")
        pausing = yard.worker("fail")
        pausing._pause_s = LONGEST_PAUSE_S
        yard.other("stay", door)
        yard.supervisor.start()
        await yard.births(1)
        await yard.deaths(1)
        async with asyncio.timeout(5):
            await yard.supervisor.stop(30.0)
        assert all(task.done() for task in yard.supervisor._keeping.values())
        assert yard.log.events.count("process_died") == 1

    supervise(story)


def test_a_stop_while_a_process_starts() -> None:
    """A process that was being started when the stop came is ended too."""

    async def story(yard: Yard) -> None:
        yard.worker("stay")
        yard.supervisor.start()
        await turns(1)
        await yard.supervisor.stop(30.0)
        assert yard.log.events == []

    supervise(story)


def test_a_hurry_lets_workers_end_at_once() -> None:
    """What would go on for its whole grace sees its line cut, and ends in its own way; a second hurry does no harm."""

    async def story(yard: Yard) -> None:
        post = yard.worker("stubborn")
        yard.supervisor.start()
        assert await yard.supervisor.until_ready(3)
        child = post._child
        assert child is not None
        stopping = asyncio.create_task(yard.supervisor.stop(60.0))
        await turns(5)
        assert not stopping.done()
        for _ in range(2):
            yard.supervisor.hurry()
        async with asyncio.timeout(20):
            await stopping
        assert child._process.returncode == 0
        yard.supervisor.hurry()

    supervise(story)


def test_who_does_not_end_is_killed() -> None:
    """What does not end within its grace is killed."""

    async def story(yard: Yard) -> None:
        post = yard.worker("stubborn")
        yard.supervisor.start()
        assert await yard.supervisor.until_ready(3)
        child = post._child
        assert child is not None
        await yard.supervisor.stop(0.1 - KILL_AFTER_S)
        assert child._process.returncode == -signal.SIGKILL

    supervise(story)
