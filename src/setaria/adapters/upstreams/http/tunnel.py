"""Tunnel: asks an HTTP proxy for a straight line to a server.

Source: RFC 9110 section 9.3.6 "CONNECT", read November 2026.
"""

import asyncio

_HEAD_LIMIT_BYTES = 16 * 1024
_GRANTED = range(200, 300)


async def open_tunnel(address: str, port: int, authority: str, authorization: bytes) -> asyncio.Transport:
    """Connect to a proxy and have it connect to `authority`; the transport then leads there.

    Raises: OSError when the proxy can't be reached or refuses.
    """
    opening = _Opening()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: opening, address, port)
    secret = b"proxy-authorization: %b\r\n" % authorization if authorization else b""
    transport.write(b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (authority.encode(), authority.encode(), secret))
    is_open = False
    try:
        status = await opening.status
        if status not in _GRANTED:
            raise ConnectionError(f"the proxy refuses to connect to it, with status {status}")
        is_open = True
    finally:
        if not is_open:
            transport.abort()
    return transport


class _Opening(asyncio.Protocol):
    """Waits for the proxy's answer."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Read the status when the head is whole."""
        self._head += data
        if self.status.done():
            return
        if b"\r\n\r\n" in self._head:
            digits = self._head[9:12]
            is_http = self._head.startswith(b"HTTP/1.") and digits.isdigit()
            self.status.set_result(int(digits) if is_http else 0)
        elif len(self._head) > _HEAD_LIMIT_BYTES:
            self.status.set_exception(ConnectionError("the proxy's answer is not HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Take note that the proxy has hung up."""
        if not self.status.done():
            self.status.set_exception(ConnectionError("the proxy closed the connection"))
