"""Resolver: turns host names into addresses off the event loop, and remembers them for a while.

Theory. A name is unknown, known, or known and stale. An unknown name is waited for; a stale one is used as it is while
it is looked up anew, for as long as that fails. A name none of whose addresses answers is forgotten.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import msgspec

from setaria.core.clock import Clock

LookUp = Callable[[str], Awaitable[tuple[str, ...]]]


async def look_up(host: str) -> tuple[str, ...]:
    """Ask the system for the addresses of a host, in its order, in a thread.

    Raises: OSError when there are none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Known(msgspec.Struct, frozen=True):
    """The addresses of a name, and until when they are fresh."""

    addresses: tuple[str, ...]
    fresh_until_s: float


class Resolver:
    """Remembers addresses for `ttl_s` seconds."""

    def __init__(self, clock: Clock, ttl_s: float = 30.0, look_up: LookUp = look_up) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._look_up = look_up
        self._known: dict[str, Known] = {}
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Give the addresses of a host, at least one.

        Raises: OSError when it has none.
        """
        if is_address(host):
            return (host,)
        known = self._known.get(host)
        if known is None:
            return await asyncio.shield(self._ask(host))
        if known.fresh_until_s <= self._clock.monotonic_s():
            _ = self._ask(host)
        return known.addresses

    def prefer(self, host: str, address: str) -> None:
        """Give this address first from now on: it has answered."""
        known = self._known.get(host)
        if known is not None and address in known.addresses and known.addresses[0] != address:
            others = (other for other in known.addresses if other != address)
            self._known[host] = Known((address, *others), known.fresh_until_s)

    def forget(self, host: str) -> None:
        """Look the name up anew when it is next asked for: none of its addresses answers."""
        self._known.pop(host, None)

    def _ask(self, host: str) -> asyncio.Task[tuple[str, ...]]:
        """Look a name up, once however many ask for it."""
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.get_running_loop().create_task(self._learn(host))
            task.add_done_callback(lambda done: self._asked(host, done))
        return task

    async def _learn(self, host: str) -> tuple[str, ...]:
        addresses = await self._look_up(host)
        self._known[host] = Known(addresses, self._clock.monotonic_s() + self._ttl_s)
        return addresses

    def _asked(self, host: str, task: asyncio.Task[tuple[str, ...]]) -> None:
        del self._asking[host]
        if not task.cancelled():
            task.exception()  # a failure of which nobody waits to hear any more is not worth a warning


def is_address(host: str) -> bool:
    """Tell whether a host is given by its IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
