"""Head: a request's line and headers, and the checks on its framing that the parser leaves to us."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from setaria.core.errors import HeadersTooLarge, InvalidRequest, SlowRequest, TooLarge, Unavailable
from setaria.domain.routing.session import SESSION_HEADERS

Header = tuple[bytes, bytes]

_BEARER = b"bearer "
_BEARER_BYTES = len(_BEARER)
_READ = {
    b"authorization": "authorization",
    b"api-key": "credential",
    b"x-api-key": "credential",
    b"host": "host",
    b"content-length": "length",
    b"transfer-encoding": "encoding",
    b"expect": "expect",
    b"traceparent": "parent",
} | dict.fromkeys(SESSION_HEADERS, "session")
_NONE: Sequence[bytes] = ()
_CONTINUE = b"100-continue"
_VERSIONS = frozenset({"1.0", "1.1"})


class RequestHead(msgspec.Struct, frozen=True):
    """A request as far as its headers tell.

    `path` has no query. `content_length` is None for a chunked body. `headers` are all of them, as they came; where the
    head was known already, all but the length.
    `session` is what the client calls its session, `parent` the span that it says the call is a part of; empty when it
    does not say.
    """

    method: str
    target: bytes
    path: str
    version: str
    headers: tuple[Header, ...]
    credentials: tuple[str, ...]
    content_length: int | None
    expects_continue: bool
    keep_alive: bool
    session: bytes = b""
    parent: bytes = b""
    host: bytes = b""

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.content_length is None or self.content_length > 0

    @property
    def framing(self) -> bytes:
        """The least head that announces the same body."""
        length = self.content_length
        field = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
        return b"POST / HTTP/1.1\r\n%b\r\n\r\n" % field


class HeadFacts(msgspec.Struct):
    """What the parser knows about a head beside its headers."""

    method: str
    target: bytes
    version: str
    keep_alive: bool


class Parser(Protocol):
    """A parser that has read a head."""

    def get_method(self) -> bytes:
        """Tell the method."""
        ...

    def get_http_version(self) -> str:
        """Tell the version."""
        ...

    def should_keep_alive(self) -> bool:
        """Tell whether the head leaves the connection open."""
        ...

    def should_upgrade(self) -> bool:
        """Tell whether the head asks for another protocol."""
        ...


def facts_of(parser: Parser, target: bytes) -> HeadFacts:
    """Take what the parser knows."""
    version = parser.get_http_version()
    return HeadFacts(
        method=parser.get_method().decode("latin-1"),
        target=target,
        version=version,
        keep_alive=parser.should_keep_alive() and version == "1.1" and not parser.should_upgrade(),
    )


def unread_facts(target: bytes) -> HeadFacts:
    """Say of a head that can't be parsed what an answer to it needs."""
    return HeadFacts(method="GET", target=target, version="1.1", keep_alive=False)


def read_head(facts: HeadFacts, headers: list[Header], body_limit_bytes: int) -> RequestHead:
    """Read what matters out of the headers.

    Raises: InvalidRequest when version or framing are not beyond doubt: no Host, two, a Transfer-Encoding other than
    `chunked`, or one together with a Content-Length. TooLarge when the body's announced length is above the limit.
    """
    found: dict[str, list[bytes]] = {}
    for name, value in headers:
        kind = _READ.get(name.lower())
        if kind is not None:
            found.setdefault(kind, []).append(value)
    hosts, lengths, encodings = found.get("host", _NONE), found.get("length", _NONE), found.get("encoding", _NONE)
    _check_framing(facts.version, len(hosts), lengths, encodings)
    content_length = None if encodings else _read_length(lengths)
    if content_length is not None and content_length > body_limit_bytes:
        raise body_too_large(body_limit_bytes)
    return RequestHead(
        method=facts.method,
        target=facts.target,
        path=_path_of(facts.target),
        version=facts.version,
        headers=tuple(headers),
        credentials=_read_credentials(found),
        content_length=content_length,
        expects_continue="expect" in found and facts.version == "1.1" and found["expect"][-1].lower() == _CONTINUE,
        keep_alive=facts.keep_alive,
        session=found["session"][-1] if "session" in found else b"",
        parent=found["parent"][-1] if "parent" in found else b"",
        host=hosts[-1] if hosts else b"",
    )


def _read_credentials(found: Mapping[str, Sequence[bytes]]) -> tuple[str, ...]:
    credentials: list[str] = []
    for value in found.get("authorization", ()):
        if value[:_BEARER_BYTES].lower() == _BEARER:
            credentials += _credentials_of(value)
    for value in found.get("credential", ()):
        credentials += _credentials_of(value)
    return tuple(filter(None, credentials))


def _credentials_of(value: bytes) -> list[str]:
    """Read a credential header; a proxy may have joined two of them with a comma, which no key has."""
    return [_credential_of(part) for part in value.split(b",")]


def _credential_of(part: bytes) -> str:
    part = part.lstrip()
    bare = part[_BEARER_BYTES:] if part[:_BEARER_BYTES].lower() == _BEARER else part
    return bare.strip().decode("latin-1")


def unread_head(facts: HeadFacts) -> RequestHead:
    """Make the head of a request that is refused for its head."""
    return RequestHead(
        method=facts.method,
        target=facts.target,
        path=_path_of(facts.target),
        version=facts.version,
        headers=(),
        credentials=(),
        content_length=0,
        expects_continue=False,
        keep_alive=False,
    )


def check_head_size(facts: HeadFacts, headers: list[Header], limit_bytes: int) -> None:
    """Refuse a head that is above the limit by itself, whatever came with it.

    Raises: HeadersTooLarge.
    """
    if len(facts.target) + sum(len(name) + len(value) + 4 for name, value in headers) > limit_bytes:
        raise headers_too_large(limit_bytes)


def headers_too_large(limit_bytes: int) -> HeadersTooLarge:
    """Say that a head is above the limit."""
    return HeadersTooLarge(f"the headers are larger than {limit_bytes // 1024} KB, the limit of this server")


def body_too_large(limit_bytes: int) -> TooLarge:
    """Say that a body is above the limit."""
    return TooLarge(f"the request body is larger than {limit_bytes // (1024 * 1024)} MB, the limit of this server")


def no_memory() -> Unavailable:
    """Say that a body can't be held now."""
    return Unavailable("this server has no memory left for request bodies", retry_after_s=1)


def slow_body() -> SlowRequest:
    """Say that a body was not whole in time."""
    return SlowRequest("the request body did not arrive in time")


def _check_framing(version: str, hosts: int, lengths: Sequence[bytes], encodings: Sequence[bytes]) -> None:
    if version not in _VERSIONS:
        raise InvalidRequest(f"the request is HTTP/{version}; this server speaks HTTP/1.0 and HTTP/1.1")
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise InvalidRequest(f"the request has {hosts} Host headers; it must have one")
    if len(lengths) > 1:
        raise InvalidRequest("the request has more than one Content-Length")
    if encodings and lengths:
        raise InvalidRequest("the request has both Content-Length and Transfer-Encoding")
    if encodings and (len(encodings) > 1 or encodings[0].strip().lower() != b"chunked"):
        raise InvalidRequest("the only Transfer-Encoding that is accepted is `chunked`")


def _read_length(lengths: Sequence[bytes]) -> int:
    if not lengths:
        return 0
    if not lengths[0].strip().isdigit():
        raise InvalidRequest("Content-Length must be a number of bytes")
    return int(lengths[0])


def _path_of(target: bytes) -> str:
    """Take scheme, host and query off a request's target."""
    if not target.startswith(b"/"):
        _, mark, rest = target.partition(b"://")
        if mark:
            slash = rest.find(b"/")
            target = rest[slash:] if slash >= 0 else b"/"
    return target.partition(b"?")[0].partition(b"#")[0].decode("latin-1")
