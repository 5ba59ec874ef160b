"""Server lock: one server at a time, and what is done where none is."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from setaria.bootstrap.server_lock import ORPHANS_S, take_server_lock, try_server_lock
from setaria.core.errors import Misconfigured
from tests.fakes.clock import FakeClock


class Freeing(FakeClock):
    """A clock with which a lock that others hold is free after a while."""

    def __init__(self, held: int) -> None:
        super().__init__()
        self._held = held

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        if len(self.slept) == 3:
            os.close(self._held)


def hold(data: Path, pid: str) -> int:
    """Hold the lock as the server with this number does."""
    lock = os.open(data / "server.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, pid.encode())
    return lock


def dead_pid() -> str:
    """Give the number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


def test_a_free_lock_is_taken(tmp_path: Path) -> None:
    """It says who has it; what a server left that is gone does not count."""
    (tmp_path / "server.lock").write_text("1234567\n")
    lock = take_server_lock(tmp_path, FakeClock())
    assert (tmp_path / "server.lock").read_text() == f"{os.getpid()}\n"
    assert try_server_lock(tmp_path) is None
    os.close(lock)
    tried = try_server_lock(tmp_path)
    assert tried is not None
    os.close(tried)
    assert (tmp_path / "server.lock").read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("pid", [str(os.getpid()), "1"])
def test_a_second_server_is_refused_at_once(tmp_path: Path, pid: str) -> None:
    """Where the parent lives nobody waits, whoever it belongs to."""
    held, clock = hold(tmp_path, pid), FakeClock()
    with pytest.raises(Misconfigured, match=rf"another server \(process {pid}\) runs on the data folder"):
        take_server_lock(tmp_path, clock)
    assert clock.slept == []
    os.close(held)


@pytest.mark.parametrize("pid", ["dead", "nobody", ""])
def test_workers_without_a_parent_are_waited_for(tmp_path: Path, pid: str) -> None:
    """They end by themselves soon; those that do not keep a new server away."""
    number = dead_pid() if pid == "dead" else pid
    held, clock = hold(tmp_path, number), FakeClock()
    with pytest.raises(Misconfigured, match="another server"):
        take_server_lock(tmp_path, clock)
    assert ORPHANS_S <= clock.monotonic_s() < ORPHANS_S + 1
    os.close(take_server_lock(tmp_path, Freeing(held)))


def test_a_process_of_another_user_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that we may not signal runs all the same."""

    def forbid(pid: int, number: int) -> None:
        raise PermissionError(pid, number)

    monkeypatch.setattr(os, "kill", forbid)
    held, clock = hold(tmp_path, "77"), FakeClock()
    with pytest.raises(Misconfigured, match="process 77"):
        take_server_lock(tmp_path, clock)
    assert clock.slept == []
    os.close(held)
