"""Head: a request's line and headers, and the checks on its framing that the parser leaves to us."""

import msgspec

from setaria.core.errors import InvalidRequest, TooLarge
from setaria.domain.routing.session import SESSION_HEADERS

Header = tuple[bytes, bytes]

_CREDENTIAL_HEADERS = frozenset({b"api-key", b"x-api-key"})
_BEARER = b"bearer "
_PARENT_HEADER = b"traceparent"
_NAMES = SESSION_HEADERS | {_PARENT_HEADER}
_VERSIONS = frozenset({"1.0", "1.1"})


class RequestHead(msgspec.Struct, frozen=True):
    """A request as far as its headers tell.

    `path` has no query. `content_length` is None for a chunked body. `headers` are all of them, as they came.
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


def read_head(facts: HeadFacts, headers: list[Header], body_limit_bytes: int) -> RequestHead:
    """Read what matters out of the headers.

    Raises: InvalidRequest when version or framing are not beyond doubt: no Host, two, a Transfer-Encoding other than
    `chunked`, or one together with a Content-Length. TooLarge when the body's announced length is above the limit.
    """
    credentials: list[str] = []
    hosts = 0
    host = b""
    lengths: list[bytes] = []
    encodings: list[bytes] = []
    expects_continue = False
    names = [b"", b""]  # of the client's session, and of the span that the call is a part of
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"authorization":
            if value[:7].lower() == _BEARER:
                credentials += _credentials_of(value)
        elif lowered in _CREDENTIAL_HEADERS:
            credentials += _credentials_of(value)
        elif lowered == b"host":
            hosts += 1
            host = value
        elif lowered == b"content-length":
            lengths.append(value)
        elif lowered == b"transfer-encoding":
            encodings.append(value)
        elif lowered == b"expect":
            expects_continue = value.lower() == b"100-continue" and facts.version == "1.1"
        elif lowered in _NAMES:
            names[lowered == _PARENT_HEADER] = value
    _check_framing(facts.version, hosts, lengths, encodings)
    content_length = None if encodings else _read_length(lengths)
    if content_length is not None and content_length > body_limit_bytes:
        raise body_too_large(body_limit_bytes)
    return RequestHead(
        method=facts.method,
        target=facts.target,
        path=_path_of(facts.target),
        version=facts.version,
        headers=tuple(headers),
        credentials=tuple(filter(None, credentials)),
        content_length=content_length,
        expects_continue=expects_continue,
        keep_alive=facts.keep_alive,
        session=names[0],
        parent=names[1],
        host=host,
    )


def _credentials_of(value: bytes) -> list[str]:
    """Read a credential header; a proxy may have joined two of them with a comma, which no key has."""
    parts = (part.lstrip() for part in value.split(b","))
    bare = (part[7:] if part[:7].lower() == _BEARER else part for part in parts)
    return [part.strip().decode("latin-1") for part in bare]


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


def body_too_large(limit_bytes: int) -> TooLarge:
    """Say that a body is above the limit."""
    return TooLarge(f"the request body is larger than {limit_bytes // (1024 * 1024)} MB, the limit of this server")


def _check_framing(version: str, hosts: int, lengths: list[bytes], encodings: list[bytes]) -> None:
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


def _read_length(lengths: list[bytes]) -> int:
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
