"""Proxies: whose word about a client's address is believed."""

import ipaddress
from collections.abc import Iterable

from setaria.entrypoints.api.head import Header

_FORWARDED_FOR = b"x-forwarded-for"


class Proxies:
    """Finds a client's address behind proxies.

    Takes: trusted, the addresses and networks of one's own proxies. What others say in a header is not believed.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(each) for each in trusted)

    def client_of(self, peer: str, headers: Iterable[Header]) -> str:
        """Give the right-most address that is no trusted proxy's: all before it are hearsay.

        Worked, with 10.0.0.0/8 trusted: a peer 10.0.0.1 that forwards for `6.6.6.6, 1.2.3.4, 10.0.0.2` speaks for
        1.2.3.4; a peer 1.2.3.4 is itself, whatever it says.
        Cost: hot path; nothing where no proxy is trusted, else some 10 us.
        """
        if not self._networks or not self._may_speak(peer):
            return peer
        told = b",".join(value for name, value in headers if name.lower() == _FORWARDED_FOR)
        hops = [hop.strip() for hop in told.decode("latin-1").split(",")]
        client = peer
        for hop in reversed(hops):
            address = _without_port(hop)
            if _read(address) is None:
                return client  # what is no address was not written by a proxy of ours
            client = address
            if not self._may_speak(address):
                return client
        return client

    def _may_speak(self, text: str) -> bool:
        address = _read(text)
        return address is not None and any(address in network for network in self._networks)


NO_PROXIES = Proxies()


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; one of IPv4 written as IPv6 is the one of IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _without_port(hop: str) -> str:
    """Take the port off an address, as some proxies write one."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
