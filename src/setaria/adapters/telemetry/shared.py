"""Shared: the metrics of all workers of a server, whichever of them is asked.

Theory. Every worker has a file with its own snapshot and a door beside it. It writes the file once a second, when it
ends, and when a sibling knocks at its door. The worker that is asked knocks at all others, for half a second at most,
and adds up the files: what was ever shown is in a file. A worker that takes the place of a dead one counts on from the
dead one's file, so no sum goes back, and there are never more files than workers. Gauges in a file that is older than
some seconds are of no worker that lives, and are left out. The parent removes all files when a server starts.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from setaria.adapters.telemetry.metrics import Samples
from setaria.core.clock import Clock

PERIOD_S = 1.0
KNOCK_WITHIN_S = 0.5
FRESH_MS = 5000


class Snapshot(msgspec.Struct, frozen=True):
    """One worker's figures at a moment."""

    at_ms: int
    counters: dict[tuple[str, ...], int | float]
    gauges: dict[tuple[str, ...], int | float]


_decoder = msgspec.msgpack.Decoder(Snapshot)


class SharedMetrics:
    """One worker's part in it.

    Takes: folder, the private one of the server's sockets; worker, a name that ends in `-` and a number of its own.
    Order: `open`, then `save` every `PERIOD_S`, then `close`.
    """

    def __init__(
        self, folder: Path, worker: str, counters: Callable[[], Samples], gauges: Callable[[], Samples], clock: Clock
    ) -> None:
        self._folder = folder
        number = worker.rpartition("-")[2]
        self._file = folder / f"m-{number}.figures"
        self._door = folder / f"m-{number}.sock"  # short, for a socket's path may not be long
        self._counters = counters
        self._gauges = gauges
        self._clock = clock
        self._before: Samples = {}
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Count on from the worker that had this place before, and open the door."""
        before = _read(self._file)
        self._before = {} if before is None else before.counters
        self._door.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, self._door)
        await self.save()

    async def save(self) -> None:
        """Write the file."""
        beside = self._file.with_suffix(".new")
        beside.write_bytes(msgspec.msgpack.encode(self._snapshot()))
        beside.replace(self._file)

    async def close(self) -> None:
        """Write the file a last time and close the door."""
        if self._server is not None:
            self._server.close()
            await self.save()

    async def sum_up(self) -> Samples:
        """Give the sums over all workers."""
        own = self._snapshot()
        with contextlib.suppress(OSError):
            await self.save()
        await asyncio.gather(*(_knock(door) for door in self._folder.glob("m-*.sock") if door != self._door))
        others = (_read(file) for file in self._folder.glob("m-*.figures") if file != self._file)
        snapshots = [own, *filter(None, others)]
        fresh = (each.gauges for each in snapshots if own.at_ms - each.at_ms <= FRESH_MS)
        return _add_up((*(each.counters for each in snapshots), *fresh))

    def _snapshot(self) -> Snapshot:
        counters = _add_up((self._before, self._counters()))
        return Snapshot(self._clock.now_ms(), counters, dict(self._gauges()))

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await self.save()
        writer.close()


def forget_figures(folder: Path) -> None:
    """Remove what an earlier server left in the folder of its sockets."""
    for file in folder.glob("m-*"):
        file.unlink(missing_ok=True)


async def _knock(door: Path) -> None:
    """Wait until the worker behind a door has written its file; one that is dead or busy is not waited for."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(KNOCK_WITHIN_S):
            reader, writer = await asyncio.open_unix_connection(door)
            with contextlib.closing(writer):
                await reader.read()


def _read(file: Path) -> Snapshot | None:
    try:
        return _decoder.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def _add_up(parts: Iterable[Samples]) -> dict[tuple[str, ...], int | float]:
    total: dict[tuple[str, ...], int | float] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0) + value
    return total
