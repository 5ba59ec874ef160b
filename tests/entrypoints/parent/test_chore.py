"""Chore: work that is done again and again by a process that ends."""

import asyncio
import socket
from pathlib import Path

import pytest

from setaria.entrypoints.parent.child import Child, ChildSpec
from setaria.entrypoints.parent.chore import Chore
from setaria.entrypoints.parent.supervisor import Supervisor
from tests.fakes.log import FakeLog
from tests.fakes.waiting import until

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let child processes find the program that they run."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def make_chore(log: FakeLog, behaviour: str, *sockets: int) -> Chore:
    """Make a chore that begins at once and comes again at once."""
    spec = ChildSpec("chore", "tests.entrypoints.parent.child_program", behaviour.encode(), sockets)
    return Chore(spec, log, first_pause_s=0.01, period_s=0.01)


def test_a_chore_is_done_again_until_it_is_stopped() -> None:
    """A failure is told and does not end it."""
    log = FakeLog()

    async def run() -> None:
        supervisor = Supervisor([], [make_chore(log, "die")])
        supervisor.start()
        await until(lambda: len(log.lines) >= 2, 20.0)
        await supervisor.stop(0)

    asyncio.run(run())
    assert {(event, fields["code"]) for _, event, fields in log.lines} == {("chore_failed", 4)}


def test_a_chore_under_way_is_ended(tmp_path: Path) -> None:
    """Stopping does not wait for work that takes long, and does not call its end a failure."""
    log = FakeLog()

    async def run() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.bind(str(tmp_path / "door"))
            door.listen()
            supervisor = Supervisor([], [make_chore(log, "stay", door.fileno())])
            supervisor.start()
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "door"))
            async with asyncio.timeout(20):
                assert await reader.read() == b"welcome"
            writer.close()
            await supervisor.stop(0)

    asyncio.run(run())
    assert log.lines == []


def test_a_system_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that can't be started is a line in the log, and tried again."""
    log = FakeLog()

    async def start(spec: ChildSpec) -> Child:
        raise OSError(11, f"no room for {spec.name}")

    monkeypatch.setattr("setaria.entrypoints.parent.chore.start_child", start)

    async def run() -> None:
        supervisor = Supervisor([], [make_chore(log, "die")])
        supervisor.start()
        await until(lambda: len(log.lines) >= 2)
        await supervisor.stop(0)

    asyncio.run(run())
    assert {event for _, event, _ in log.lines} == {"process_not_started"}
