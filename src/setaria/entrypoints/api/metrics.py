"""Metrics: the page for Prometheus, for callers on this machine only."""

import ipaddress
from typing import Protocol

from setaria.core.errors import Forbidden, UnknownPath
from setaria.entrypoints.api.exchange import Exchange

TEXT = "text/plain; version=0.0.4; charset=utf-8"

_OK = 200
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})


class MetricsSource(Protocol):
    """What knows the figures."""

    async def write(self) -> bytes:
        """Write the sums over all workers as text."""
        ...


class MetricsPage:
    """Answers `/metrics`; without a source there is no such page."""

    def __init__(self, source: MetricsSource | None) -> None:
        self._source = source

    async def answer(self, exchange: Exchange) -> None:
        """Send the figures.

        Raises: UnknownPath when metrics are off; Forbidden when the caller is not on this machine.
        """
        if self._source is None:
            raise UnknownPath("there is nothing at /metrics: server.metrics is off")
        if not is_loopback(exchange.peer):
            raise Forbidden("/metrics is answered on this machine only; ask it at 127.0.0.1")
        if any(name.lower() in _FORWARDED for name, _ in exchange.head.headers):
            raise Forbidden("/metrics is not answered through a proxy; ask the server itself, at 127.0.0.1")
        exchange.respond(_OK, await self._source.write(), content_type=TEXT)


def is_loopback(peer: str) -> bool:
    """Tell whether a connection's other end is on this machine."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
