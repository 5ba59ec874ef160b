"""Request head: writes what comes before the body of a request to a model server; only our own headers cross."""

from collections.abc import Iterable

import msgspec

from setaria import __version__
from setaria.adapters.upstreams.http.origin import Origin
from setaria.adapters.upstreams.http.proxy import Proxy
from setaria.adapters.upstreams.http.request import Header
from setaria.core.errors import Misconfigured

_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"te", b"expect", b"trailer"})
_NAME_LETTERS = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LEAST_LETTER = 0x20
_DELETE = 0x7F


def check_headers(name: str, headers: Iterable[Header]) -> None:
    """Check headers that an operator wrote, the key's among them; the message shows no value.

    Raises: Misconfigured when one is no legal header, or would change the framing.
    """
    for field, value in headers:
        shown = field.decode("latin-1")
        if not field or not _NAME_LETTERS.issuperset(field):
            raise Misconfigured(f"upstream {name}: {shown!r} is no name for a header")
        if field.lower() in _FRAMING:
            raise Misconfigured(f"upstream {name}: the header {shown} is Setaria's own to set")
        if any((letter < _LEAST_LETTER and letter != ord("\t")) or letter == _DELETE for letter in value):
            raise Misconfigured(
                f"upstream {name}: the value of {shown} holds a line break or another control character"
            )


class Route(msgspec.Struct, frozen=True):
    """The way to a server: straight, or through a proxy."""

    origin: Origin
    proxy: Proxy | None


def write_head(method: bytes, route: Route, path: str, headers: Iterable[Header]) -> bytes:
    """Write request line and headers, without the empty line at their end.

    Takes: headers, beside those that every request has; of one name the last counts.
    """
    chosen = {
        b"host": route.origin.authority.encode("ascii"),
        b"user-agent": b"Setaria/" + __version__.encode(),
        b"accept": b"*/*",
        b"accept-encoding": b"identity",
    }
    target = route.origin.path + path
    if route.proxy is not None and route.origin.scheme == "http":  # https goes by a tunnel
        target = f"http://{route.origin.authority}{target}"
        if route.proxy.authorization:
            chosen[b"proxy-authorization"] = route.proxy.authorization
    chosen.update((field.lower(), value) for field, value in headers)
    lines = b"".join(b"%b: %b\r\n" % field for field in chosen.items())
    return b"%b %b HTTP/1.1\r\n%b" % (method, target.encode("ascii"), lines)
