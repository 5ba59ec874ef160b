"""Proxy: which proxy stands between us and a server, by the variables that programs commonly heed.

Lower case comes first, and this machine itself is never reached through a proxy.
Source: curl's manual, section "Environment", and Go's net/http ProxyFromEnvironment, read November 2026.
"""

import base64
import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from setaria.adapters.upstreams.http.origin import Origin
from setaria.core.errors import Misconfigured

_DEFAULT_PORT = 80


class ProxySettings(msgspec.Struct, frozen=True):
    """Proxy URLs per scheme of the server, empty for none, and the hosts that are reached without one."""

    http_url: str = ""
    https_url: str = ""
    exempt: tuple[str, ...] = ()


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy; `authorization` is the value of the header it wants, empty for none."""

    host: str
    port: int
    authorization: bytes = b""


def read_proxy_settings(environment: Mapping[str, str]) -> ProxySettings:
    """Read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, each in lower or upper case."""

    def value(name: str) -> str:
        return (environment.get(name.lower()) or environment.get(name) or "").strip()

    return ProxySettings(
        http_url=value("HTTP_PROXY") or value("ALL_PROXY"),
        https_url=value("HTTPS_PROXY") or value("ALL_PROXY"),
        exempt=tuple(entry for entry in value("NO_PROXY").replace(",", " ").lower().split() if entry),
    )


def choose_proxy(settings: ProxySettings, origin: Origin) -> Proxy | None:
    """Choose the proxy through which a server is reached; None when it is reached directly.

    Raises: Misconfigured when its URL is none, or of a kind that Setaria can't use.
    """
    url = settings.https_url if origin.scheme == "https" else settings.http_url
    if not url or _is_this_machine(origin.host) or any(_covers(entry, origin) for entry in settings.exempt):
        return None
    return _read_proxy(url)


def _read_proxy(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or _DEFAULT_PORT
    except ValueError as error:
        raise Misconfigured("a proxy variable of the environment does not hold a URL; see HTTPS_PROXY") from error
    if parts.scheme != "http" or not parts.hostname:
        raise Misconfigured(
            f"a proxy of kind {parts.scheme!r} can't be used, only http:// (it carries https too); name the upstream's "
            "host in NO_PROXY to reach it directly"
        )
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return Proxy(parts.hostname, port, authorization)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _covers(entry: str, origin: Origin) -> bool:
    """Tell whether an entry of NO_PROXY, which is `*`, an address, a network or a domain, means this server."""
    if entry == "*":
        return True
    if _is_network(entry):
        return _is_inside(origin.host, entry)
    name, colon, port = entry.rpartition(":")
    if not colon:
        name = entry
    elif port != str(origin.port):
        return False
    name = name.strip("[]").removeprefix("*").lstrip(".")
    return bool(name) and (origin.host == name or origin.host.endswith("." + name))


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return True


def _is_inside(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
