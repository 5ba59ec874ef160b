"""Authenticate: find whose key a call came with, and whether it may be used here and now."""

from collections.abc import Mapping

from setaria.core.errors import Forbidden, InvalidRequest, Unauthenticated, WrongLane
from setaria.core.protocol import Lane
from setaria.domain.accounts.rules import doubt_key, may_come_from
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Identified, Received

_LANES: Mapping[Lane, str] = {"payg": "pay as you go", "plan": "a token plan"}


async def authenticate(received: Received, platform: Platform) -> Identified:
    """Find whose call it is, and make sure that the key may be used here and now.

    Raises: Unauthenticated, WrongLane, Forbidden, Unavailable.
    """
    credentials = received.credentials
    credential = credentials[0] if len(credentials) == 1 else one_credential(credentials)
    caller = await platform.keys.find(credential)
    if caller is None:
        raise Unauthenticated(
            "Invalid API Key: this key is unknown or was revoked; make one with `setaria keys create`"
        )
    if caller.lane != received.lane:
        where = platform.addresses.explain(caller.lane, received.codec.name)
        raise WrongLane(f"Invalid API Key: this is a key of {_LANES[caller.lane]}; {where}")
    if caller.account_status != "active":
        raise Forbidden(f"this account is {caller.account_status}; ask whoever runs this platform")
    is_limited = caller.key_disabled_at_ms is not None or caller.key_expires_at_ms is not None
    if is_limited and (doubt := doubt_key(caller, received.at_ms)):
        raise Unauthenticated(f"Invalid API Key: {doubt}")
    if caller.rules.networks and not may_come_from(caller, received.peer):
        raise Forbidden(f"this key may not be used from {received.peer or 'this address'}")
    platform.keys.note_use(caller, received.at_ms)
    return Identified(received=received, caller=caller)


def one_credential(credentials: tuple[str, ...]) -> str:
    """Give the one key that the request's headers agree on.

    Raises: Unauthenticated when there is none, InvalidRequest when there are two different ones.
    """
    if not credentials:
        raise Unauthenticated(
            "Invalid API Key: the request has no key; send it as `Authorization: Bearer KEY`, `api-key: KEY` or "
            "`x-api-key: KEY`"
        )
    if len(credentials) > 1 and any(other != credentials[0] for other in credentials[1:]):
        raise InvalidRequest("the request has two different keys; send one, in one header")
    return credentials[0]
