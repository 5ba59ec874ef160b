"""Listing: asks a model server which models it has."""

import asyncio

import msgspec

from setaria.adapters.upstreams.http.connect import make_connect
from setaria.adapters.upstreams.http.origin import read_origin
from setaria.adapters.upstreams.http.pool import Header, HttpPool
from setaria.adapters.upstreams.http.proxy import choose_proxy
from setaria.adapters.upstreams.http.request_head import Route, write_head
from setaria.bootstrap.upstreams import HttpUpstreams, choose_codec
from setaria.core.entries import UpstreamEntry
from setaria.core.errors import UpstreamError, UpstreamTimeout

_WITHIN_S = 10.0
_NOT_FOUND = 404
_OK = 200


class Listing(msgspec.Struct, frozen=True):
    """What the server said; `better_url` is another base_url under which it has models, empty where none was found."""

    status: int
    models: tuple[str, ...] = ()
    better_url: str = ""


class _Named(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Named]


class _WholeAnswer:
    """A sink that waits for status and body."""

    def __init__(self) -> None:
        self.over: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = b""

    def head(self, status: int, headers: list[Header]) -> None:  # noqa: ARG002 - the port's signature
        """Take the status."""
        self._status = status

    def body(self, data: bytes) -> None:
        """Take more of the body."""
        self._body += data

    def end(self) -> None:
        """Take the end."""
        if not self.over.done():
            self.over.set_result((self._status, self._body))

    def fail(self, error: UpstreamError) -> None:
        """Take the error."""
        if not self.over.done():
            self.over.set_exception(error)


async def ask_for_models(upstream: UpstreamEntry, key: str, makers: HttpUpstreams) -> Listing:
    """Ask for the list; where there is none, also beside the address that is set.

    Raises: UpstreamError when the server can't be reached or gives no answer.
    """
    listing = await _ask(upstream, upstream.base_url, key, makers)
    if listing.status != _NOT_FOUND:
        return listing
    base = upstream.base_url.removesuffix("/v1")
    other = base if upstream.base_url != base else f"{base}/v1"
    found = await _ask(upstream, other, key, makers)
    return msgspec.structs.replace(listing, better_url=other if found.models else "")


async def _ask(upstream: UpstreamEntry, base_url: str, key: str, makers: HttpUpstreams) -> Listing:
    codec = choose_codec(upstream)
    path = "/models" if upstream.kind == "openai" else "/v1/models"
    origin, network = read_origin(base_url), makers.network_of(upstream)
    route = Route(origin, choose_proxy(network.proxies, origin))
    own = tuple((name.encode(), value.encode()) for name, value in upstream.headers.items())
    pool = HttpPool(upstream.name, make_connect(upstream.name, origin, network, _WITHIN_S))
    answer = _WholeAnswer()
    pooled = pool.send(write_head(b"GET", route, path, (*codec.headers(key), *own)) + b"\r\n", "GET", answer)
    try:
        async with asyncio.timeout(_WITHIN_S):
            status, body = await answer.over
    except TimeoutError:
        raise UpstreamTimeout(f"{upstream.name} did not answer within {_WITHIN_S:g} s") from None
    finally:
        pooled.cancel()
        pool.close()
    return Listing(status, _read_names(body) if status == _OK else ())


def _read_names(body: bytes) -> tuple[str, ...]:
    try:
        return tuple(each.id for each in msgspec.json.decode(body, type=_List).data)
    except msgspec.DecodeError:
        return ()
