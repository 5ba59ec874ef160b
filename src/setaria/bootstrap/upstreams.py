"""Upstreams: a worker's clients of all model servers, renewed when the catalog changes.

A client is current, or retired: its upstream was changed or removed. A retired one takes no new call and is closed when
its last call is over.
"""

import ssl
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol, assert_never

from setaria.adapters.upstreams.http.connect import Network, make_tls_context
from setaria.adapters.upstreams.http.proxy import read_proxy_settings
from setaria.adapters.upstreams.http.resolve import Resolver
from setaria.adapters.upstreams.http.upstream import HttpUpstream, UpstreamSpec
from setaria.config import read_api_key, read_proxy_variables
from setaria.core.clock import Clock
from setaria.core.entries import UpstreamEntry
from setaria.core.errors import Misconfigured
from setaria.domain.routing.ports import RelayUpstream, Upstream
from setaria.gateway.ports import Log
from setaria.wire.anthropic_messages.client import AnthropicUpstream
from setaria.wire.openai_chat.client import OpenAIUpstream


class Client(Upstream, RelayUpstream, Protocol):
    """A client of a model server, as far as its life goes."""

    @property
    def connections(self) -> tuple[int, int, int]:
        """Tell how many connections are open, how many of them are idle, and how many calls wait."""
        ...

    def tick(self, now_s: float) -> None:
        """Look at all clocks."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


class UpstreamSet:
    """The clients by upstream's name: all in `current`, the built-in engine's too, those for the bypass in `relays`.

    Takes: engine, the built-in engine's client; make, makes the client of any other upstream.
    """

    def __init__(self, engine: Upstream, make: Callable[[UpstreamEntry], Client], clock: Clock, log: Log) -> None:
        self.current: dict[str, Upstream] = {}
        self.relays: dict[str, RelayUpstream] = {}
        self._engine = engine
        self._make = make
        self._clock = clock
        self._log = log
        self._clients: dict[str, tuple[UpstreamEntry, Client]] = {}
        self._retired: list[Client] = []

    def renew(self, wanted: Mapping[str, UpstreamEntry]) -> Collection[str]:
        """Make the clients of new and changed upstreams, and retire those of upstreams that are gone.

        Gives: the names of the upstreams that can be used; why another one can't is in the log.
        """
        for name, (entry, client) in [*self._clients.items()]:
            if wanted.get(name) != entry:
                del self._clients[name], self.current[name], self.relays[name]
                self._retired.append(client)
        for name, entry in wanted.items():
            if entry.kind == "local":
                self.current[name] = self._engine
            elif name not in self._clients:
                self._add(entry)
        return self.current.keys() & wanted.keys()

    async def tick(self) -> None:
        """Let all clients look at their clocks, and close the retired ones that are done."""
        now_s = self._clock.monotonic_s()
        for _, client in self._clients.values():
            client.tick(now_s)
        for client in [*self._retired]:
            client.tick(now_s)
            opened, idle, waiting = client.connections
            if opened == idle and not waiting:
                self._retired.remove(client)
                await client.close()

    def connections(self) -> Mapping[str, tuple[int, int, int]]:
        """Tell by upstream how many connections are open, how many of them are idle, and how many calls wait."""
        return {name: client.connections for name, (_, client) in self._clients.items()}

    async def close(self) -> None:
        """Close all clients but the engine's."""
        for client in (*self._retired, *(client for _, client in self._clients.values())):
            await client.close()

    def _add(self, entry: UpstreamEntry) -> None:
        try:
            client = self._make(entry)
        except Misconfigured as error:
            self._log.error("upstream_unusable", upstream=entry.name, reason=error.message)
        else:
            self._clients[entry.name] = (entry, client)
            self.current[entry.name] = self.relays[entry.name] = client


class HttpUpstreams:
    """Makes the clients of HTTP upstreams; they share addresses, proxies and where it can be what is trusted in TLS."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resolver = Resolver(clock)
        self._proxies = read_proxy_settings(read_proxy_variables())
        self._tls: dict[str, ssl.SSLContext] = {}

    def make(self, entry: UpstreamEntry) -> HttpUpstream:
        """Make a client.

        Raises: Misconfigured when its key, its file of authorities or its proxy is not as it must be.
        """
        spec = UpstreamSpec(
            name=entry.name,
            base_url=entry.base_url,
            key=read_api_key(entry),
            headers=tuple((name.encode(), value.encode()) for name, value in entry.headers.items()),
            concurrency=entry.concurrency,
        )
        return HttpUpstream(spec, choose_codec(entry), self.network_of(entry), self._clock)

    def network_of(self, entry: UpstreamEntry) -> Network:
        """Give what the upstream shares with others.

        Raises: Misconfigured when its file of authorities can't be read.
        """
        if entry.ca_file not in self._tls:
            self._tls[entry.ca_file] = make_tls_context(Path(entry.ca_file) if entry.ca_file else None)
        return Network(self._resolver, self._tls[entry.ca_file], self._proxies)


def choose_codec(entry: UpstreamEntry) -> OpenAIUpstream | AnthropicUpstream:
    """Choose the protocol that an upstream speaks.

    Raises: Misconfigured for the built-in engine, which speaks none of them.
    """
    match entry.kind:
        case "openai":
            return OpenAIUpstream()
        case "anthropic":
            return AnthropicUpstream()
        case "local":
            raise Misconfigured(f"the upstream {entry.name} is the built-in engine, which has no address")
        case _:
            assert_never(entry.kind)
