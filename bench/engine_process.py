"""Engine process: starts the real one, talks to it over its socket as a worker does, and reads what it costs."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from setaria.adapters.upstreams.local.frames import Ask, Counted, Done, Failed, FrameReader, Pong, Tell, encode_frame
from setaria.bootstrap.catalog import SEEDLING, SEEDLING_FOLDER

NS_PER_S = 1_000_000_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MB = 1_000_000
_CHILD = """
import socket, sys
from pathlib import Path
from setaria.adapters.upstreams.local.engine.process import run_engine
run_engine(socket.socket(fileno=int(sys.argv[1])), {sys.argv[3]: Path(sys.argv[4])}, int(sys.argv[2]))
"""


class EngineProcess:
    """A running engine process with one model, named `seedling` whatever its folder."""

    def __init__(self, process: "subprocess.Popen[bytes]", door: Path) -> None:
        self.door = door
        self._process = process

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def memory_mb(self) -> float:
        """Tell its resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * PAGE_BYTES / MB

    def cpu_s(self) -> float:
        """Tell the processor time that its threads have taken."""
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / NS_PER_S


@contextlib.contextmanager
def running_engine(folder: Path = SEEDLING_FOLDER) -> Iterator[EngineProcess]:
    """Run an engine process until it is not needed."""
    with tempfile.TemporaryDirectory(prefix="engine-") as place:
        door = Path(place) / "engine.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(door))
        listening.listen(64)
        reading, writing = os.pipe()
        numbers = [str(listening.fileno()), str(reading)]
        command = [sys.executable, "-c", _CHILD, *numbers, SEEDLING, str(folder)]
        process = subprocess.Popen(command, pass_fds=(listening.fileno(), reading))
        os.close(reading)
        listening.close()
        try:
            yield EngineProcess(process, door)
        finally:
            os.close(writing)  # as the parent's end: the engine ends at once
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


class Client:
    """One connection, as a worker has it. `tells` are what came, by the ask's id, with the moment of each."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tells: dict[str, list[tuple[float, Tell]]] = {}
        self.ended: dict[str, asyncio.Event] = {}
        self.is_open = True
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(list[Tell])
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def connect(cls, door: Path) -> "Client":
        """Connect to an engine."""
        return cls(*await asyncio.open_unix_connection(str(door)))

    def ask(self, ask: Ask) -> None:
        """Send an ask; its tells are kept until `forget`."""
        self.ended[ask.id] = asyncio.Event()
        self.tells[ask.id] = []
        self.send(encode_frame(ask))

    def send(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        self._writer.write(data)

    async def answer(self, ask_id: str, within_s: float) -> list[tuple[float, Tell]]:
        """Wait for an ask's end, or the connection's, and give what was told.

        Raises: TimeoutError.
        """
        async with asyncio.timeout(within_s):
            await self.ended[ask_id].wait()
        return self.forget(ask_id)

    def forget(self, ask_id: str) -> list[tuple[float, Tell]]:
        """Keep nothing more of an ask, and give what was told."""
        self.ended.pop(ask_id, None)
        return self.tells.pop(ask_id, [])

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        await self._listening

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(65_536):
                now_s = time.perf_counter()
                for payload in self._frames.feed(data):
                    for tell in self._decoder.decode(payload):
                        self._take(tell, now_s)
        self.is_open = False
        for ended in self.ended.values():
            ended.set()

    def _take(self, tell: Tell, now_s: float) -> None:
        if tell.id not in self.tells:
            return
        self.tells[tell.id].append((now_s, tell))
        if isinstance(tell, Done | Failed | Counted | Pong):
            self.ended[tell.id].set()
