"""Process: the engine process from its start to its end."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from setaria.adapters.upstreams.local.engine.engine import Engine
from setaria.adapters.upstreams.local.engine.memory import share_one_heap
from setaria.adapters.upstreams.local.engine.server import Server
from setaria.core.errors import InternalError


class Engines(Mapping[str, Engine]):
    """The engines by model, each made when first asked for: those with a name, and any other folder by its path.

    Takes: folders, by name; crash, told of the error that ended a decoding thread.
    """

    def __init__(self, folders: Mapping[str, Path], crash: Callable[[BaseException], None]) -> None:
        self._folders = folders
        self._crash = crash
        self._engines: dict[str, Engine] = {}

    def __getitem__(self, model: str) -> Engine:
        if model not in self._engines:
            folder = Path(model) if model.startswith("/") and Path(model).is_dir() else self._folders[model]
            self._engines[model] = Engine(folder, self._crash)
        return self._engines[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._engines)

    def __len__(self) -> int:
        return len(self._engines)


def run_engine(listening_socket: socket.socket, models: Mapping[str, Path], parent_pipe_fd: int) -> None:
    """Serve workers until the parent is gone or SIGTERM comes, then end at once.

    Takes: listening_socket, a Unix socket that listens; models, folders by name, each loaded when first asked for (any
        other folder is asked for by its path);
        parent_pipe_fd, the reading end of a pipe whose writing end only the parent holds.
    Raises: InternalError when a decoding thread died of something that no single call is to blame for.
    """
    share_one_heap()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every child: the parent decides when calls end
    asyncio.run(_serve(listening_socket, models, parent_pipe_fd))


async def _serve(listening_socket: socket.socket, models: Mapping[str, Path], parent_pipe_fd: int) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[BaseException | None] = loop.create_future()

    def end(error: BaseException | None = None) -> None:
        if not ended.done():
            ended.set_result(error)

    def crash(error: BaseException) -> None:
        loop.call_soon_threadsafe(end, error)

    def watch_parent() -> None:
        if not os.read(parent_pipe_fd, 1):
            end()

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_reader(parent_pipe_fd, watch_parent)
    engines = Engines(models, crash)
    server = await Server(engines).listen(listening_socket)
    try:
        error = await ended
    finally:
        loop.remove_reader(parent_pipe_fd)
        server.close()
        for engine in engines.values():
            engine.close()
    if error is not None:
        raise InternalError(f"the engine's decoding thread died of {type(error).__name__}") from error
