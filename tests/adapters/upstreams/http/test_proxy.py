"""Proxy: which variables of the environment send a request through a proxy."""

import pytest

from setaria.adapters.upstreams.http.origin import Origin, read_origin
from setaria.adapters.upstreams.http.proxy import Proxy, ProxySettings, choose_proxy, read_proxy_settings
from setaria.adapters.upstreams.http.request_head import Route, check_headers, write_head
from setaria.core.errors import Misconfigured

SETTINGS: list[tuple[dict[str, str], ProxySettings]] = [
    ({}, ProxySettings()),
    ({"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"}, ProxySettings("http://a:1", "http://b:2")),
    ({"HTTP_PROXY": "http://a:1", "http_proxy": "http://c:3"}, ProxySettings("http://c:3", "")),
    ({"all_proxy": "http://d:4", "https_proxy": "http://b:2"}, ProxySettings("http://d:4", "http://b:2")),
    ({"http_proxy": " ", "ALL_PROXY": "http://d:4"}, ProxySettings("http://d:4", "http://d:4")),
    (
        {"NO_PROXY": "A.example, .b.example 10.0.0.0/8,,*"},
        ProxySettings(exempt=("a.example", ".b.example", "10.0.0.0/8", "*")),
    ),
]


@pytest.mark.parametrize("environment, expected", SETTINGS)
def test_settings(environment: dict[str, str], expected: ProxySettings) -> None:
    """Lower case comes before upper case, a scheme's own variable before the one for all."""
    assert read_proxy_settings(environment) == expected


EXEMPT: list[tuple[str, str, bool]] = [
    ("*", "https://x.example", True),
    ("x.example", "https://x.example", True),
    ("x.example", "https://a.x.example", True),
    ("x.example", "https://ax.example", False),
    (".x.example", "https://a.x.example", True),
    (".x.example", "https://x.example", True),
    ("*.x.example", "https://a.x.example", True),
    ("x.example:443", "https://x.example", True),
    ("x.example:444", "https://x.example", False),
    ("10.1.2.3", "http://10.1.2.3:8000", True),
    ("10.1.0.0/16", "http://10.1.2.3:8000", True),
    ("10.2.0.0/16", "http://10.1.2.3:8000", False),
    ("10.0.0.0/8", "http://x.example", False),
    ("fd00::/8", "http://[fd00::1]:8000", True),
    (":", "http://x.example", False),
    ("", "http://127.0.0.1:8000", True),
    ("", "http://127.5.0.1:8000", True),
    ("", "http://[::1]:8000", True),
    ("", "http://localhost:8000", True),
    ("", "http://a.localhost", True),
    ("", "http://x.example", False),
]


@pytest.mark.parametrize("entry, base_url, exempt", EXEMPT)
def test_exempt_hosts(entry: str, base_url: str, exempt: bool) -> None:
    """NO_PROXY names hosts, domains, addresses and networks; this machine is never reached through a proxy."""
    settings = read_proxy_settings({"ALL_PROXY": "http://proxy:3128", "NO_PROXY": entry})
    chosen = choose_proxy(settings, read_origin(base_url))
    assert chosen == (None if exempt else Proxy("proxy", 3128))


PROXIES: list[tuple[str, Proxy]] = [
    ("http://proxy:3128", Proxy("proxy", 3128)),
    ("proxy:3128", Proxy("proxy", 3128)),
    ("http://proxy/", Proxy("proxy", 80)),
    ("http://user:p%40ss@proxy:1", Proxy("proxy", 1, b"Basic dXNlcjpwQHNz")),
    ("http://user@proxy:1", Proxy("proxy", 1, b"Basic dXNlcjo=")),
    ("http://[fd00::2]:1", Proxy("fd00::2", 1)),
]


@pytest.mark.parametrize("url, expected", PROXIES)
def test_proxy_url(url: str, expected: Proxy) -> None:
    """A proxy is given with or without scheme, port and credentials."""
    assert choose_proxy(ProxySettings(url, url), read_origin("http://x.example")) == expected


@pytest.mark.parametrize("url", ["socks5://u:secret@p:1", "https://p:1", "http://p:secret", "http://"])
def test_proxy_that_can_not_be_used(url: str) -> None:
    """A proxy of another kind is refused before anything is sent past it; its password is not shown."""
    with pytest.raises(Misconfigured) as caught:
        choose_proxy(ProxySettings(url, url), read_origin("https://x.example"))
    assert "secret" not in caught.value.message
    assert "PROXY" in caught.value.message


ORIGINS: list[tuple[str, Origin, str]] = [
    ("http://127.0.0.1:8000/v1", Origin("http", "127.0.0.1", 8000, "/v1"), "127.0.0.1:8000"),
    ("https://X.example/v1/", Origin("https", "x.example", 443, "/v1"), "x.example"),
    ("https://x.example:443", Origin("https", "x.example", 443, ""), "x.example"),
    ("http://x.example:443", Origin("http", "x.example", 443, ""), "x.example:443"),
    ("http://[fd00::1]:8000", Origin("http", "fd00::1", 8000, ""), "[fd00::1]:8000"),
]


@pytest.mark.parametrize("base_url, expected, authority", ORIGINS)
def test_origin(base_url: str, expected: Origin, authority: str) -> None:
    """A base URL is read into its parts, and the Host header names the port only where it must."""
    assert read_origin(base_url) == expected
    assert expected.authority == authority


@pytest.mark.parametrize(
    "base_url",
    ["", "x.example/v1", "ftp://x.example", "http://u:secret@x.example", "http://x:secret", "http://x/?a=1", "http://x/#a",
     "http://x.example/v 1", "http://x.exämple", "http://[::1"],
)  # fmt: skip
def test_origin_that_is_none(base_url: str) -> None:
    """What is no base URL is refused, and a password in it is not shown."""
    with pytest.raises(Misconfigured) as caught:
        read_origin(base_url)
    assert "base_url" in caught.value.message
    assert "secret" not in caught.value.message


HEADS: list[tuple[str, Proxy | None, bytes]] = [
    ("http://x.example/v1", None, b"POST /v1/chat HTTP/1.1\r\nhost: x.example\r\n"),
    ("http://x.example/v1", Proxy("p", 1), b"POST http://x.example/v1/chat HTTP/1.1\r\nhost: x.example\r\n"),
    ("https://x.example/v1", Proxy("p", 1, b"Basic x"), b"POST /v1/chat HTTP/1.1\r\nhost: x.example\r\n"),
]


@pytest.mark.parametrize("base_url, proxy, start", HEADS)
def test_head(base_url: str, proxy: Proxy | None, start: bytes) -> None:
    """A proxy is told the whole URL where it has to find the way, and never sees the key of a server behind TLS."""
    head = write_head(b"POST", Route(read_origin(base_url), proxy), "/chat", ((b"X-Team", b"a"), (b"x-team", b"b")))
    assert head.startswith(start)
    assert head.endswith(b"\r\naccept-encoding: identity\r\nx-team: b\r\n")
    assert b"\r\nuser-agent: Setaria/" in head
    assert b"proxy-authorization" not in head


def test_head_for_a_proxy_with_a_password() -> None:
    """A proxy that carries plain http gets its credentials with each request."""
    route = Route(read_origin("http://x.example"), Proxy("p", 1, b"Basic x"))
    assert b"\r\nproxy-authorization: Basic x\r\n" in write_head(b"GET", route, "/models", ())


@pytest.mark.parametrize(
    "header",
    [(b"a b", b"1"), (b"", b"1"), (b"x-a", b"1\r\nsecret: 2"), (b"x-a", b"secret\x00"), (b"Content-Length", b"secret"),
     (b"transfer-encoding", b"chunked"), (b"x-a", b"secret\x7f")],
)  # fmt: skip
def test_header_that_is_none(header: tuple[bytes, bytes]) -> None:
    """A header that could change what is sent is refused, and its value is not shown."""
    with pytest.raises(Misconfigured) as caught:
        check_headers("vllm-1", [header])
    assert caught.value.message.startswith("upstream vllm-1: ")
    assert "secret" not in caught.value.message
