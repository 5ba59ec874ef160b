"""Parent: builds and runs the process that starts, watches and ends all others."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from setaria.adapters.telemetry.shared import forget_figures
from setaria.bootstrap.banner import base_url_of, write_banner
from setaria.bootstrap.descriptors import raise_limit
from setaria.bootstrap.first_key import first_key_file
from setaria.bootstrap.handover import (
    CONSOLE_DOOR,
    ENGINE_DOOR,
    Handover,
    make_handover,
    put_aside,
    take_up,
)
from setaria.bootstrap.log import open_log
from setaria.bootstrap.output import give_up_output
from setaria.bootstrap.server_lock import take_server_lock
from setaria.config import Settings, runtime_folder
from setaria.core.clock import SystemClock
from setaria.core.errors import Misconfigured, SetariaError
from setaria.core.ids import new_worker_id
from setaria.entrypoints.parent.child import ChildSpec
from setaria.entrypoints.parent.chore import Chore
from setaria.entrypoints.parent.supervisor import Kept, Log, Post, Supervisor

MAX_FAILED_STARTS = 3
BACKLOG = 8192
PLANS_PERIOD_S = 300.0
LAST_SECONDS_S = 2.0
"""What workers have from the second signal on to end their answers and put the calls on the books."""


def start(settings: Settings, first_key: str) -> None:
    """Become the parent process: this program is replaced by one that has loaded little."""
    folder = str(runtime_folder(settings))
    number = put_aside(make_handover(settings, folder, first_key=first_key), folder)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "setaria.bootstrap.parent", str(number)])  # noqa: S606 - no shell, own arguments


def main() -> int:
    """Run the platform until it is told to end; gives the exit code."""
    handover = take_up(int(sys.argv[1]))
    raise_limit()
    try:
        code = asyncio.run(_run(handover))
    except SetariaError as error:
        sys.stderr.write(f"setaria: {error.message}\n")
        code = 1
    except OSError as error:
        sys.stderr.write(f"setaria: cannot run: {error}\n")
        code = 1
    if code and handover.first_key:
        sys.stderr.write(f"setaria: the first API key is in {first_key_file(handover.read_settings())}\n")
    return code


async def _run(handover: Handover) -> int:
    settings = handover.read_settings()
    log = open_log("parent")
    lock = take_server_lock(settings.data, SystemClock())
    forget_figures(Path(handover.sockets))
    listener = _listen(settings.server.host, settings.server.port)
    base_url = base_url_of(settings, listener.getsockname()[1])
    content = make_handover(settings, handover.sockets, base_url=base_url, parent_id=new_worker_id())
    supervisor = _appoint(content, settings.server.workers, (listener.fileno(), lock), Path(handover.sockets), log)
    end = _End(supervisor)
    ended = end.asked
    supervisor.start()
    ready = asyncio.create_task(supervisor.until_ready(MAX_FAILED_STARTS))  # noqa: TID251 - ended below
    await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
    started = ready.done() and ready.result()
    if started:
        try:
            write_banner(settings, base_url, handover.first_key)
        except OSError as error:
            log.warning("banner_not_shown", url=base_url, reason=error.strerror)
            give_up_output()
        await ended
    listener.close()
    await supervisor.stop(settings.server.grace_s)
    ready.cancel()
    os.close(lock)
    if not started and not ended.done():
        sys.stderr.write("setaria: the server could not start; the lines above say why\n")
        return 1
    return int(end.is_hurried)


def _listen(host: str, port: int) -> socket.socket:
    """Open the one socket that all workers inherit."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another with --port or --host"
        ) from None
    return listener


def _open_door(path: Path) -> socket.socket:
    """Open a Unix socket for a process that starts when somebody connects."""
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(path))
    path.chmod(0o600)
    door.listen(128)
    door.setblocking(False)  # noqa: FBT003 - the function takes no names
    return door


def _appoint(content: bytes, workers_wanted: int, of_workers: tuple[int, int], sockets: Path, log: Log) -> Supervisor:
    """Say which processes there shall be.

    Takes: of_workers, the descriptors of the listener and of the server lock.
    """
    clock = SystemClock()
    listener, lock = of_workers
    workers = [
        Post(ChildSpec(f"worker-{number}", "setaria.bootstrap.worker", content, (listener,), (lock,)), clock, log)
        for number in range(1, workers_wanted + 1)
    ]
    others: list[Kept] = [
        Chore(ChildSpec("housekeeping", "setaria.bootstrap.housekeeping", content, ()), log),
        Chore(ChildSpec("plan-keeping", "setaria.bootstrap.plan_keeping", content, ()), log, period_s=PLANS_PERIOD_S),
    ]
    for name, path in (("engine", sockets / ENGINE_DOOR), ("console", sockets / CONSOLE_DOOR)):
        door = _open_door(path)
        spec = ChildSpec(name, f"setaria.bootstrap.{name}", content, (door.fileno(),))
        others.append(Post(spec, clock, log, door))
    return Supervisor(workers, others)


class _End:
    """The signals to end: `asked` is done at the first; the second cuts the grace short."""

    def __init__(self, supervisor: Supervisor) -> None:
        loop = asyncio.get_running_loop()
        self.asked: asyncio.Future[None] = loop.create_future()
        self.is_hurried = False
        self._supervisor = supervisor
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._hear)

    def _hear(self) -> None:
        if not self.asked.done():
            self.asked.set_result(None)
        elif not self.is_hurried:
            self.is_hurried = True
            self._supervisor.hurry()
            asyncio.get_running_loop().call_later(LAST_SECONDS_S, self._supervisor.kill)


if __name__ == "__main__":
    sys.exit(main())
