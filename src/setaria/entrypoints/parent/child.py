"""Child: one process that the parent starts, and the line between them.

The line is a socket pair. The parent writes the settings on it, ended by a newline, and keeps it open; the child writes
`ready` on it once. Whoever sees the line close knows that the other is gone.
"""

import asyncio
import contextlib
import socket
import sys

import msgspec


class ChildSpec(msgspec.Struct, frozen=True):
    """What is started: a module of the platform, told its name, the number of its line and those of its sockets.

    What it is not told of but `keeps` open are locks that its parent holds: they are held as long as it lives, too.
    """

    name: str
    module: str
    handover: bytes
    sockets: tuple[int, ...]
    keeps: tuple[int, ...] = ()


class Child:
    """One process under way."""

    def __init__(self, spec: ChildSpec, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.spec = spec
        self.pid = process.pid
        self.ready = asyncio.Event()
        self._process = process
        self._line = line

    async def wait(self) -> int:
        """Wait for its end; gives its exit code, negative when a signal ended it."""
        code = await self._process.wait()
        self._line.close()
        return code

    def signal(self, number: int) -> None:
        """Send it a signal, if it still lives."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    def part(self) -> None:
        """Cut the line, as if this process were gone: the child ends at once, in its own way."""
        with contextlib.suppress(OSError):  # it has gone before
            self._line.shutdown(socket.SHUT_RDWR)

    async def listen(self) -> None:
        """Wait for its word that it is ready."""
        loop = asyncio.get_running_loop()
        if await loop.sock_recv(self._line, 16):
            self.ready.set()


async def start_child(spec: ChildSpec) -> Child:
    """Start a process and hand it its settings.

    Raises: OSError when the system has no room for one more process or its sockets.
    """
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack, theirs:
        stack.enter_context(ours)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a file in the working folder must not stand in for one of Python's own
            "-m",
            spec.module,
            spec.name,
            str(theirs.fileno()),
            *map(str, spec.sockets),
            pass_fds=(theirs.fileno(), *spec.sockets, *spec.keeps),
            stdin=asyncio.subprocess.DEVNULL,
        )
        stack.pop_all()  # from here on the line lives as long as the child
    ours.setblocking(False)  # noqa: FBT003 - the function takes no names
    with contextlib.suppress(ConnectionError):  # it has died already, which `wait` tells
        await asyncio.get_running_loop().sock_sendall(ours, spec.handover + b"\n")
    return Child(spec, process, ours)
