"""Origin: where a server is, read from its base URL."""

from typing import Literal
from urllib.parse import urlsplit

import msgspec

from setaria.core.errors import Misconfigured

Scheme = Literal["http", "https"]

_PORTS: dict[str, int] = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host (no brackets) and port of a server, and what all its paths begin with (no `/` at its end)."""

    scheme: Scheme
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them: no port when it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def read_origin(base_url: str) -> Origin:
    """Read a base URL, such as `https://models.example.com/v1`.

    Raises: Misconfigured, which says what is wrong with it but shows no password that may be in it.
    """
    try:
        parts = urlsplit(base_url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Misconfigured("a base_url is not a URL; it must look like http://127.0.0.1:8000/v1") from error
    if parts.username is not None or parts.password is not None:
        raise Misconfigured("a base_url holds a user or password; give the key by api_key_env or api_key_file")
    if parts.query or parts.fragment:
        raise Misconfigured(f"base_url {base_url!r} must not have a query or fragment")
    if not host or not base_url.isascii() or any(letter <= " " for letter in base_url):
        raise Misconfigured(f"base_url {base_url!r} must look like http://127.0.0.1:8000/v1")
    match parts.scheme:
        case "http" | "https" as scheme:
            return Origin(scheme, host, port or _PORTS[scheme], parts.path.rstrip("/"))
        case _:
            raise Misconfigured(f"base_url {base_url!r} must begin with http:// or https://")
