"""Recording client: what a call said to its client, and what happened to the client meanwhile."""

import re

from setaria.gateway.ports import Watcher
from setaria.wire.shortcut import SendChunk


class RecordingClient:
    """Implements the port Client; keeps to the order that the port promises.

    `takes_chunks`: its stream is sent in chunks; `chunks` are those that came so.
    """

    def __init__(self, body: bytes | Exception = b"", *, takes_chunks: bool = False) -> None:
        self.takes_chunks = takes_chunks
        self.chunks: list[bytes] = []
        self.status = 0
        self.body = b""
        self.headers: dict[str, str] = {}
        self.announced: dict[str, str] = {}
        self.stream = b""
        self.is_streaming = False
        self.is_over = False
        self.was_broken_off = False
        self.watcher: Watcher | None = None
        self._request_body = body
        self._has_left = False
        self.is_full_at_once = False

    async def read_body(self) -> bytes:
        if isinstance(self._request_body, Exception):
            raise self._request_body
        return self._request_body

    def watch(self, watcher: Watcher) -> None:
        self.watcher = watcher
        if self._has_left:
            watcher.client_left()
        elif self.is_full_at_once:
            watcher.client_full()
            watcher.client_ready()
            watcher.client_full()
            watcher.tick(0.0)

    def announce(self, lines: str) -> None:
        assert lines.endswith("\r\n")
        fields = [line.split(": ", 1) for line in lines[:-2].split("\r\n")]
        assert len(dict(fields)) == len(fields)
        self.announced = dict(fields)

    def respond(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        if self.is_over or self._has_left:
            return
        self.is_over = True
        if self.is_streaming:
            self.was_broken_off = True
        else:
            self.status, self.body, self.headers = status, body, dict(headers)

    def start_stream(self) -> SendChunk | None:
        self.is_streaming = True
        return self._take_chunk if self.takes_chunks else None

    def _take_chunk(self, data: bytes) -> None:
        """Take a chunk as such, as which only whole ones may come, and only while somebody listens."""
        size, line_end, rest = data.partition(b"\r\n")
        assert re.fullmatch(rb"[1-9a-f][0-9a-f]*", size)
        assert (line_end, len(rest), rest[-2:]) == (b"\r\n", int(size, 16) + 2, b"\r\n")
        assert self.is_streaming
        assert not self.is_over
        assert not self._has_left
        self.chunks.append(rest[:-2])
        self.stream += rest[:-2]

    def write(self, data: bytes) -> None:
        if not self.is_over and not self._has_left:
            self.stream += data

    def finish(self, data: bytes) -> None:
        self.write(data)
        self.is_over = True

    def leave(self) -> None:
        """Close the connection."""
        self._has_left = True
        if self.watcher is not None:
            self.watcher.client_left()

    @property
    def told(self) -> bytes:
        """Everything that the client got."""
        return self.body + self.stream
