"""Answer head: the status line and headers of an answer, as bytes."""

from collections.abc import Iterable
from http import HTTPStatus

REASONS = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
COMMENT = b":\n\n"
JSON = "application/json"


def write_lines(headers: Iterable[tuple[str, str]]) -> str:
    """Write headers as lines of a head."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def whole_head(status: int, size_bytes: int, date: str, call_id: str, lines: str, *, close: bool) -> bytes:
    """Write the head of an answer that is sent as a whole; `lines` are the headers beside those that each has."""
    if close:
        lines += "connection: close\r\n"
    return (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\ncontent-length: {size_bytes}\r\n"
        f"date: {date}\r\nx-request-id: {call_id}\r\n{lines}\r\n"
    ).encode("latin-1")


def stream_head(date: str, call_id: str, lines: str = "", *, chunked: bool) -> bytes:
    """Write the head of a stream; without chunks it ends when the connection does. `lines` as in `whole_head`."""
    framing = "transfer-encoding: chunked" if chunked else "connection: close"
    return (
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
        f"x-accel-buffering: no\r\ndate: {date}\r\nx-request-id: {call_id}\r\n{lines}{framing}\r\n\r\n"
    ).encode("latin-1")


LAST_CHUNK = b"0\r\n\r\n"
