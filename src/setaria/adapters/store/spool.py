"""Spool: calls that the database could not take, kept on this machine's disk until it can.

A file in the folder `spool` belongs to one process: it appends records, each with its length and checksum, and flushes
them to the disk before a call counts as kept. Any process on the folder replays: it puts files aside, under a lock, so
that nobody appends to them any more, hands their calls to the ledger, which writes each call id once, and removes a
file when the ledger has all of it. A replay that is broken off, or done twice, changes nothing.
"""

import asyncio
import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from setaria.adapters.store.batches import GroupCommit
from setaria.adapters.store.failures import reason_from
from setaria.adapters.store.sqlite.lane import Lane
from setaria.core.errors import Unavailable
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.ports import Ledger
from setaria.domain.ledger.records import CallRecord

PERIOD_S = 2.0
LIMIT_BYTES = 64 * 1024 * 1024

_RETRY_AFTER_S = 2
_HEAD_BYTES = 8
_AT_ONCE = 64


class Log(Protocol):
    """Where a spool tells of what it does."""

    def info(self, event: str, **fields: object) -> None:
        """Log something that is as it should be."""
        ...

    def error(self, event: str, **fields: object) -> None:
        """Log something that someone must mend."""
        ...


class Spooled(msgspec.Struct, frozen=True, array_like=True):
    """One call in the spool."""

    call: CallRecord
    debits: tuple[Debit, ...]
    oddity: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Spooled).decode


class FileSpool:
    """Implements the port Spool.

    Takes: folder, made if need be; name, which no other process that lives has.
    """

    def __init__(self, folder: Path, name: str, ledger: Ledger, log: Log, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._name = name
        self._ledger = ledger
        self._log = log
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._is_broken = False
        self._serial = 0
        self._lane = Lane("spool")
        self._batches = GroupCommit(self._append, _refuse_nothing)

    @property
    def is_full(self) -> bool:
        """Whether it can take no more, for its size or because the disk takes no more."""
        return self._is_broken or self._size_bytes >= self._limit_bytes

    async def keep(self, call: CallRecord, debits: tuple[Debit, ...], oddity: str) -> None:
        """Keep a call until the books have it; durable when this returns.

        Raises: Unavailable when it can't be kept.
        """
        if self._size_bytes >= self._limit_bytes:
            raise Unavailable("calls can't be kept now; try again", retry_after_s=_RETRY_AFTER_S)
        await self._batches.add(_frame(_encode(Spooled(call, debits, oddity))))

    async def replay(self) -> None:
        """Put on the books what lies in the folder, this process's calls and those of others.

        While the database is away nothing happens; it is tried again at the next turn.
        """
        self._is_broken = False
        if not self._folder.is_dir():
            return
        with _locked(self._folder / "replay.lock") as is_mine:
            if is_mine:
                for file in await self._lane.run(self._put_aside):
                    if not await self._replay_file(file):
                        return

    async def close(self) -> None:
        """Finish what is being written."""
        await self._batches.close()
        self._lane.end()

    # ---- in the spool's own thread

    async def _append(self, frames: Sequence[bytes]) -> None:
        try:
            await self._lane.run(lambda: self._write(b"".join(frames)))
        except OSError as error:
            self._is_broken = True
            self._log.error("spool_broken", reason=reason_from(error))
            raise Unavailable("calls can't be kept now; try again", retry_after_s=_RETRY_AFTER_S) from error

    def _write(self, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with _locked(self._folder / "append.lock", wait=True):
            file = self._folder / f"{self._name}-{self._serial}.spool"
            is_new = not file.exists()
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                before = os.fstat(descriptor).st_size
                self._write_all(descriptor, data, before)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                _flush_folder(self._folder)
            self._size_bytes = before + len(data)

    def _write_all(self, descriptor: int, data: bytes, before: int) -> None:
        """Write all of it or nothing: a piece would hide what is appended later."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            self._serial += 1  # whatever becomes of this file, the next call begins another
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
            raise

    def _put_aside(self) -> list[Path]:
        """Take the files away from those who append to them; give all that are aside."""
        with _locked(self._folder / "append.lock", wait=True):
            for file in sorted(self._folder.glob("*.spool")):
                number = 0
                while (aside := file.with_suffix(f".{number}.aside")).exists():
                    number += 1
                file.rename(aside)
                if file.name.startswith(f"{self._name}-"):
                    self._size_bytes = 0
        return sorted(self._folder.glob("*.aside"))

    # ---- replaying

    async def _replay_file(self, file: Path) -> bool:
        """Hand the calls of a file to the ledger; False when the database is away."""
        calls, whole = await self._lane.run(lambda: read_spool(file))
        try:
            for start in range(0, len(calls), _AT_ONCE):
                together = calls[start : start + _AT_ONCE]
                await asyncio.gather(*(self._ledger.record(each.call, each.debits, each.oddity) for each in together))
        except Unavailable:
            return False
        damaged = file.with_suffix(".damaged")
        await self._lane.run(file.unlink if whole else lambda: file.rename(damaged))
        if not whole:
            self._log.error("spool_damaged", file=damaged.name, read=len(calls))
        if calls:
            self._log.info("spool_replayed", calls=len(calls))
        return True


def read_spool(file: Path) -> tuple[list[Spooled], bool]:
    """Read the calls of a spool file, up to the first that is damaged; gives whether that was the end."""
    data = file.read_bytes()
    calls: list[Spooled] = []
    place = 0
    while place + _HEAD_BYTES <= len(data):
        size = int.from_bytes(data[place : place + 4])
        checksum = int.from_bytes(data[place + 4 : place + _HEAD_BYTES])
        content = data[place + _HEAD_BYTES : place + _HEAD_BYTES + size]
        if len(content) != size or zlib.crc32(content) != checksum:
            break
        try:
            calls.append(_decode(content))
        except msgspec.DecodeError:
            break
        place += _HEAD_BYTES + size
    return calls, place == len(data)


def _frame(content: bytes) -> bytes:
    return len(content).to_bytes(4) + zlib.crc32(content).to_bytes(4) + content


async def _refuse_nothing(_: bytes, reason: str) -> None:
    """Take a refused record, which there never is: bytes are bytes."""
    raise Unavailable(reason)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock file; without waiting it gives whether the lock is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the name of a new file as durable as what is in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
