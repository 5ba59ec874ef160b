"""Wire: the bytes of a call as a client writes them, and of the answer as it reads them."""

import asyncio
import json
from typing import NamedTuple

PATHS = {"chat": "/v1/chat/completions", "messages": "/anthropic/v1/messages"}
CONTENT = "Hello, and tell me more. " * 20
CHUNK_BYTES = 100


class Call(NamedTuple):
    """What is asked."""

    protocol: str
    model: str
    stream: bool

    @property
    def body(self) -> bytes:
        """The request's body."""
        messages = [{"role": "user", "content": CONTENT}]
        fields = {"model": self.model, "messages": messages, "stream": self.stream, "max_tokens": 500}
        return json.dumps(fields).encode()

    def head(self, key: str, framing: str) -> bytes:
        """Write the request's head."""
        return (
            f"POST {PATHS[self.protocol]} HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer {key}\r\n{framing}\r\n\r\n"
        ).encode()

    def write(self, key: str, more: str = "") -> bytes:
        """Write the whole request."""
        return self.head(key, f"content-length: {len(self.body)}{more}") + self.body

    def write_chunked(self, key: str) -> bytes:
        """Write the whole request with its body in chunks, an extension on each, and a trailer."""
        body = self.body
        pieces = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)]
        chunks = b"".join(b"%x;n=v\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        return self.head(key, "transfer-encoding: chunked") + chunks + b"0\r\nx-sum: 1\r\n\r\n"


class Head(NamedTuple):
    """An answer's head."""

    status: int
    headers: dict[str, str]

    @property
    def call_id(self) -> str:
        """The call's id."""
        return self.headers["x-request-id"]

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after the answer."""
        return self.headers.get("connection") == "close"


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read the head of the next answer that is no interim one.

    Raises: IncompleteReadError when the server closed.
    """
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        status = int(lines[0].split()[1])
        if status >= 200:
            headers = dict(line.split(": ", 1) for line in lines[1:-2])
            return Head(status, headers)


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """Read an answer's body.

    Raises: IncompleteReadError when the server closed before it was whole.
    """
    if "content-length" in head.headers:
        return await reader.readexactly(int(head.headers["content-length"]))
    pieces = []
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        pieces.append((await reader.readexactly(size + 2))[:-2])
        if not size:
            return b"".join(pieces)


def find_flaw(call: Call, head: Head, body: bytes) -> str:
    """Tell what is wrong with the form of an answer, empty when nothing is: a silent end is what must never be."""
    if not head.headers["content-type"].startswith("text/event-stream"):
        answer = json.loads(body)
        is_error = "error" in answer
        return "" if is_error == (head.status != 200) else f"status {head.status} with {body[:80]!r}"
    if head.status != 200 or not call.stream:
        return f"a stream with status {head.status}"
    last = body.rstrip(b"\n").rpartition(b"\n\n")[2]
    good = last == b"data: [DONE]" if call.protocol == "chat" else last.startswith(b"event: message_stop\n")
    return "" if body.endswith(b"\n\n") and (good or b'"error"' in last) else f"the stream ends with {last[:80]!r}"
