"""Supervisor: keeps the platform's processes alive.

A post is a process that should be there: always (a worker), or from the moment that somebody connects to its socket
(the engine, the console). States of a post: waiting (for the first connection), running, resting (it died; a pause that
doubles with each quick death, to 30 s for one that can't start and 1 s for one that can), stopped. A process that dies
is started again: workers at once, the others when they are next asked for.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Sequence
from typing import Protocol

from setaria.entrypoints.parent.child import Child, ChildSpec, start_child

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 30.0
LONGEST_PAUSE_WHEN_READY_S = 1.0
LIVED_LONG_S = 20.0
KILL_AFTER_S = 5.0


class Clock(Protocol):
    """What a supervisor asks about time."""

    def monotonic_s(self) -> float:
        """Tell the monotonic time."""
        ...


class Log(Protocol):
    """Where a supervisor tells of starts and deaths."""

    def info(self, event: str, **fields: object) -> None:
        """Log something that is as it should be."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Log something that someone should look at."""
        ...


class Post:
    """One process that should be there; with a `door`, only from the first connection to that listening socket."""

    def __init__(self, spec: ChildSpec, clock: Clock, log: Log, door: socket.socket | None = None) -> None:
        self.ready = asyncio.Event()
        self.failed_starts = 0
        self._spec = spec
        self._clock = clock
        self._log = log
        self._door = door
        self._child: Child | None = None
        self._stopping = False
        self._knocked = asyncio.Event()
        self._pause_s = FIRST_PAUSE_S

    async def keep(self) -> None:
        """Keep the process there until `stop`."""
        while await self._is_wanted():
            await self._live_once()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask the process to end, and start it no more."""
        self._stopping = True
        self._knocked.set()
        if self._child is not None:
            self._child.signal(number)

    def part(self) -> None:
        """Let the process end at once in its own way, after `stop`."""
        if self._child is not None:
            self._child.part()

    async def _live_once(self) -> None:
        started_s = self._clock.monotonic_s()
        try:
            child = self._child = await start_child(self._spec)
        except OSError as error:
            self._log.warning("process_not_started", post=self._spec.name, reason=error.strerror)
            await self._put_off()
            return
        if self._stopping:
            child.signal(signal.SIGTERM)
        listening = asyncio.create_task(self._hear(child))  # noqa: TID251 - the supervisor is what runs in the background
        code = await child.wait()
        listening.cancel()
        self._child = None
        if self._stopping:
            return
        lived_s = self._clock.monotonic_s() - started_s
        if lived_s > LIVED_LONG_S:
            self._pause_s = FIRST_PAUSE_S
        self._log.warning("process_died", died=self._spec.name, pid=child.pid, code=code, restart_in_s=self._pause_s)
        if child.ready.is_set():
            await self._rest(LONGEST_PAUSE_WHEN_READY_S)
        else:
            await self._put_off()

    async def _put_off(self) -> None:
        """Rest after a start that failed."""
        self.failed_starts += 1
        self._turn_away()
        await self._rest(LONGEST_PAUSE_S)

    async def _hear(self, child: Child) -> None:
        await child.listen()
        if child.ready.is_set():
            self.failed_starts = 0
            self.ready.set()
            self._log.info("process_ready", ready=self._spec.name, pid=child.pid)

    def _turn_away(self) -> None:
        """Close what waits at the door of a process that can't start, so that nobody waits for it in vain."""
        if self._door is not None:
            with contextlib.suppress(OSError):
                while True:
                    self._door.accept()[0].close()

    async def _rest(self, longest_s: float) -> None:
        """Wait before the next start, twice as long the next time; `stop` ends the wait."""
        self._knocked.clear()
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._knocked.wait(), self._pause_s)
        self._pause_s = min(self._pause_s * 2, longest_s)

    async def _is_wanted(self) -> bool:
        """Wait until the process is needed; False when it never will be again."""
        if self._door is not None and not self._stopping:
            loop = asyncio.get_running_loop()
            self._knocked.clear()
            loop.add_reader(self._door, self._knocked.set)
            try:
                await self._knocked.wait()
            finally:
                loop.remove_reader(self._door)
        return not self._stopping


class Kept(Protocol):
    """What a supervisor keeps beside the workers: a post or a chore."""

    async def keep(self) -> None:
        """Do its work until `stop`."""
        ...

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask its process to end, and start it no more."""
        ...


class Supervisor:
    """Keeps all posts and chores, and ends them in order: workers first, for they still need the others.

    Order: `start`, then `until_ready`, then `stop`.
    """

    def __init__(self, workers: Sequence[Post], others: Sequence[Kept]) -> None:
        self._workers = workers
        self._others = others
        self._keeping: dict[Kept, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Start the workers, and wait at the doors of the others."""
        for post in (*self._workers, *self._others):
            self._keeping[post] = asyncio.create_task(post.keep())  # noqa: TID251 - as above

    async def until_ready(self, max_failed_starts: int) -> bool:
        """Wait until every worker is ready; False when one failed to start too often."""
        while not all(post.ready.is_set() for post in self._workers):
            if any(post.failed_starts >= max_failed_starts for post in self._workers):
                return False
            await asyncio.sleep(0.005)
        return True

    async def stop(self, grace_s: float) -> None:
        """End everything: workers within their grace, then the others; what does not end is killed."""
        for posts, timeout_s in ((self._workers, grace_s + KILL_AFTER_S), (self._others, KILL_AFTER_S)):
            for number, wait_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, KILL_AFTER_S)):
                for post in posts:
                    post.stop(number)
                pending = [self._keeping[post] for post in posts if not self._keeping[post].done()]
                if pending:
                    await asyncio.wait(pending, timeout=wait_s)

    def hurry(self) -> None:
        """End the workers' grace, after `stop` has begun: they end what they do, settle it, and are gone."""
        for post in self._workers:
            post.stop()
            post.part()

    def kill(self) -> None:
        """End everything at once."""
        for post in (*self._workers, *self._others):
            post.stop(signal.SIGKILL)
