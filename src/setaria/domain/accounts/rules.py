"""Rules: what a key may do, beyond being good."""

import ipaddress

from setaria.core.clock import iso_from_ms
from setaria.domain.accounts.records import Caller


def doubt_key(caller: Caller, now_ms: int) -> str:
    """Say why a key is not good now; empty when it is."""
    if caller.key_disabled_at_ms is not None:
        return "this key is disabled; whoever runs this platform can enable it again"
    if caller.key_expires_at_ms is not None and caller.key_expires_at_ms <= now_ms:
        return f"this key was good until {iso_from_ms(caller.key_expires_at_ms)}; take another one"
    return ""


def may_come_from(caller: Caller, peer: str) -> bool:
    """Tell whether calls with a key may come from a client's address; an address that can't be read is none.

    Cost: nothing for a key that may be used anywhere, else some 5 us a network.
    """
    if not caller.rules.networks:
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(network) for network in caller.rules.networks)


def may_use(caller: Caller, model_id: str) -> bool:
    """Tell whether a key may be used for a model."""
    return not caller.rules.models or model_id in caller.rules.models
