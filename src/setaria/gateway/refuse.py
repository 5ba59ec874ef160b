"""Refuse: tell a caller what is wrong, in the protocol it speaks."""

from setaria.core.errors import Limited, SetariaError, WrongMethod
from setaria.core.ids import CallId
from setaria.gateway.ports import Client
from setaria.wire.codec import Codec

_LONG_S = 3600


def refuse(error: SetariaError, codec: Codec, call_id: CallId, client: Client) -> int:
    """Send an error as the whole answer; gives its HTTP status."""
    status, body = codec.write_error(error, call_id)
    client.respond(status, body, error_headers(error))
    return status


def error_headers(error: SetariaError) -> tuple[tuple[str, str], ...]:
    """Give the headers an error carries: what is allowed, when to come back, or that coming back is of no use."""
    headers: list[tuple[str, str]] = []
    if isinstance(error, WrongMethod):
        headers.append(("allow", error.allowed))
    if isinstance(error, Limited):
        headers += error.headers
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(error.retry_after_s)))
    if error.hopeless and (error.retry_after_s is None or error.retry_after_s > _LONG_S):
        headers.append(("x-should-retry", "false"))
    return tuple(headers)
