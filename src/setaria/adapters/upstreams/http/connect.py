"""Connect: opens connections to a server, plain or by TLS, straight or through a proxy.

What comes out is a transport with the methods of asyncio's: whoever can open one may stand behind `Connect`.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from setaria.adapters.upstreams.http.connection import HttpConnection
from setaria.adapters.upstreams.http.origin import Origin
from setaria.adapters.upstreams.http.pool import Connect
from setaria.adapters.upstreams.http.proxy import Proxy, ProxySettings, choose_proxy
from setaria.adapters.upstreams.http.resolve import Resolver
from setaria.adapters.upstreams.http.tunnel import open_tunnel
from setaria.core.errors import Misconfigured, UpstreamFailed, UpstreamTimeout

Opened = tuple[asyncio.BaseTransport, HttpConnection]


class Network(msgspec.Struct, frozen=True):
    """What all upstreams of a process share."""

    resolver: Resolver
    tls: ssl.SSLContext
    proxies: ProxySettings = ProxySettings()


def make_tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Make a context that verifies certificates against the system's authorities and those of a file beside them.

    Raises: Misconfigured when the file holds no certificates.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise Misconfigured(f"the CA file {ca_file} can't be read as PEM certificates: {error.strerror}") from error
    return context


def make_connect(name: str, origin: Origin, network: Network, timeout_s: float) -> Connect:
    """Make what opens connections to a server.

    Takes: name, how the server is called in errors; timeout_s, for one connection, whatever it takes.
    Raises: Misconfigured when it is to be reached through a proxy that can't be used.
    """
    proxy = choose_proxy(network.proxies, origin)
    return Connector(name, origin, network, proxy, timeout_s).connect


class Connector:
    """Opens connections to one server."""

    def __init__(self, name: str, origin: Origin, network: Network, proxy: Proxy | None, timeout_s: float) -> None:
        self._name = name
        self._origin = origin
        self._network = network
        self._proxy = proxy
        self._timeout_s = timeout_s
        self._place = origin.authority if proxy is None else f"its proxy {proxy.host}:{proxy.port}"

    async def connect(self, factory: Callable[[], HttpConnection]) -> Opened:
        """Open a connection.

        Raises: UpstreamFailed, UpstreamTimeout, which say in words for an operator what went wrong.
        """
        with self._mapped_errors():
            async with asyncio.timeout(self._timeout_s):
                if self._proxy is None:
                    return await self._dial(factory, self._origin.host, self._origin.port, self._own_tls())
                if self._origin.scheme == "http":
                    return await self._dial(factory, self._proxy.host, self._proxy.port, None)
                return await self._through(self._proxy, factory)

    def _own_tls(self) -> ssl.SSLContext | None:
        return self._network.tls if self._origin.scheme == "https" else None

    async def _through(self, proxy: Proxy, factory: Callable[[], HttpConnection]) -> Opened:
        """Open a connection by TLS through a proxy."""
        addresses = await self._network.resolver.resolve(proxy.host)
        host = f"[{self._origin.host}]" if ":" in self._origin.host else self._origin.host
        raw = await open_tunnel(addresses[0], proxy.port, f"{host}:{self._origin.port}", proxy.authorization)
        connection = factory()
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(raw, connection, self._network.tls, server_hostname=self._origin.host)
        if transport is None:
            raise ConnectionResetError("closed while TLS was set up")
        connection.connection_made(transport)
        return transport, connection

    async def _dial(
        self, factory: Callable[[], HttpConnection], host: str, port: int, tls: ssl.SSLContext | None
    ) -> Opened:
        """Try the addresses of a host in turn, each for its share of the time."""
        resolver = self._network.resolver
        addresses = await resolver.resolve(host)
        share_s = self._timeout_s / len(addresses)
        loop = asyncio.get_running_loop()
        failure: OSError = ConnectionError("it has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(share_s):
                    opened = await loop.create_connection(
                        factory, address, port, ssl=tls, server_hostname=None if tls is None else host
                    )
            except OSError as error:  # TimeoutError and ssl.SSLError are such
                failure = error
            else:
                resolver.prefer(host, address)
                return opened
        resolver.forget(host)
        raise failure

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        """Turn what the system says into errors of ours."""
        try:
            yield
        except TimeoutError as error:
            raise UpstreamTimeout(f"{self._name} did not accept a connection within {self._timeout_s:g} s") from error
        except OSError as error:
            raise UpstreamFailed(f"{self._name} can't be reached: {_reason(error, self._place)}") from error


def _reason(error: OSError, place: str) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate can't be verified ({error.verify_message}); if it was made by an authority of your "
                "own, name that authority's file as CA file"
            )
        case ssl.SSLError():
            return f"it does not speak TLS as it should ({error.reason or 'broken off'})"
        case socket.gaierror():
            return f"the host of {place} is not known ({error.strerror})"
        case ConnectionResetError() if error.errno == errno.ECONNRESET or not error.args:
            return "it closed the connection while TLS was set up; does it speak https there?"
        case ConnectionRefusedError():
            return f"nothing listens at {place}"
        case _:
            return os.strerror(error.errno) if error.errno else str(error) or "no answer"
