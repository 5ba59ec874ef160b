"""Connect: plain and TLS connections, straight and through a proxy, and the words for each way to fail."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from setaria.adapters.upstreams.http.connect import Network, make_tls_context
from setaria.adapters.upstreams.http.proxy import ProxySettings
from setaria.adapters.upstreams.http.resolve import Resolver
from setaria.adapters.upstreams.http.upstream import HttpUpstream, UpstreamSpec
from setaria.core.entries import Timeouts
from setaria.core.errors import Misconfigured, UpstreamFailed, UpstreamTimeout
from tests.adapters.upstreams.http.asking import CODECS, KEY, Bench, EventTaker, request_for
from tests.adapters.upstreams.http.proxy_server import run_proxy
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import turns, until
from tests.fault_server.certificates import make_authority
from tests.fault_server.server import FaultServer, serve_faults

HOST = "models.test"
TEXT = "word0 word1 word2 word3 word4 "
FIRST_DEAD = ("127.0.0.2", "127.0.0.1")


class Wires:
    """What a test's network is made of."""

    def __init__(self, context: ssl.SSLContext, addresses: tuple[str, ...] = ("127.0.0.1",), proxy: str = "") -> None:
        self.asked: list[str] = []
        self.addresses = addresses
        self.clock = FakeClock()
        self.network = Network(Resolver(self.clock, look_up=self._look_up), context, ProxySettings(proxy, proxy))

    async def _look_up(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        return self.addresses if host == HOST else ("127.0.0.1",)

    @asynccontextmanager
    async def upstream(self, server: FaultServer, host: str = HOST) -> AsyncIterator[Bench]:
        """Build an upstream over these wires."""
        base_url = f"{server.scheme}://{host}:{server.port}/v1"
        spec = UpstreamSpec("vllm-1", base_url, KEY, timeouts=Timeouts(connect_s=0.5))
        upstream = HttpUpstream(spec, CODECS["openai"], self.network, self.clock)
        yield Bench(server, upstream, self.clock)
        await upstream.close()
        await turns()
        assert upstream.connections == (0, 0, 0)


NO_AUTHORITY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
LOOPS: list[Callable[[Awaitable[None]], None]] = [uvloop.run, asyncio.run]  # type: ignore[list-item]  # a coroutine is both


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("host", [HOST, "127.0.0.1"])
def test_tls(tmp_path: Path, host: str, loop: Callable[[Awaitable[None]], None]) -> None:
    """A server whose authority is in the extra file is spoken to by TLS, by name and by address, on both loops."""

    async def story() -> None:
        authority_file, tls = make_authority(tmp_path, HOST)
        wires = Wires(make_tls_context(authority_file))
        async with serve_faults(tls=tls) as server, wires.upstream(server, host) as bench:
            for scenario in ("text", "text:bytewise", "text:framing=until_close", "text:close", "text"):
                assert (await bench.take_events(scenario)).answer.text == TEXT
            assert (await bench.take_bytes("huge")).error is None
            assert bench.server.counts["connections"] == 3
            attempt = bench.start("text:hang_after=3", sink := EventTaker())
            await until(lambda: sink.batches)
            attempt.pause()
            attempt.resume()
            attempt.cancel()
            await until(lambda: server.counts["cancelled"] == 1)
            assert (await bench.take_events("text:cut=800")).answer.text.startswith("word0")
            assert (await bench.take_events("text:dead")).error is None
            assert wires.asked == ([HOST] if host == HOST else [])

    loop(story())


def test_tls_to_a_stranger(tmp_path: Path) -> None:
    """A certificate by an unknown authority, or for another host, is refused in words that say what to do."""

    async def story() -> None:
        authority_file, tls = make_authority(tmp_path, "other.test")
        async with serve_faults(tls=tls) as server:
            async with Wires(make_tls_context()).upstream(server) as bench:
                error = (await bench.take_events("text")).error
                assert type(error) is UpstreamFailed
                assert "its certificate can't be verified (unable to get local issuer certificate" in error.message
                assert "CA file" in error.message
            async with Wires(make_tls_context(authority_file)).upstream(server) as bench:
                assert "Hostname mismatch" in str((await bench.take_events("text")).error)
            assert server.counts["requests"] == 0

    uvloop.run(story())


def test_tls_to_a_plain_server(tmp_path: Path) -> None:
    """A server that does not speak TLS is told as such."""

    async def story() -> None:
        wires = Wires(NO_AUTHORITY)
        async with serve_faults() as server:
            server.scheme = "https"
            async with wires.upstream(server) as bench:
                assert "vllm-1 can't be reached: " in str((await bench.take_events("text")).error)

    uvloop.run(story())


def test_a_file_without_authorities(tmp_path: Path) -> None:
    """An extra file of authorities that is not there or holds none is the operator's to mend."""
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured, match=file.name):
            make_tls_context(file)


def test_several_addresses() -> None:
    """Addresses are tried in turn, and the one that answers comes first the next time."""

    async def story() -> None:
        wires = Wires(NO_AUTHORITY, FIRST_DEAD)
        async with serve_faults() as server, wires.upstream(server) as bench:
            assert (await bench.take_events("text")).answer.text == TEXT
            assert await wires.network.resolver.resolve(HOST) == ("127.0.0.1", "127.0.0.2")
            wires.addresses = ("127.0.0.2",)
            wires.network.resolver.forget(HOST)
            await bench.take_events("text:close")
            await turns(50)
            assert "nothing listens at models.test:" in str((await bench.take_events("text")).error)
            assert wires.asked == [HOST, HOST]
            wires.addresses = ("127.0.0.1",)
            assert (await bench.take_events("text")).error is None
            assert wires.asked == [HOST] * 3

    uvloop.run(story())


def test_a_server_that_accepts_nothing() -> None:
    """A connection that does not come to stand in time is given up, whoever looks first."""

    async def story() -> None:
        wires = Wires(NO_AUTHORITY)
        never = asyncio.Event()

        async def connect(*_: object) -> None:
            await never.wait()

        async with serve_faults() as server, wires.upstream(server) as bench:
            bench.upstream._pool._connect = connect  # type: ignore[assignment]  # it never gives anything
            sink = EventTaker()
            bench.start("text", sink)
            await turns()
            bench.pass_time(0.6)
            assert isinstance(sink.error, UpstreamTimeout)
            assert str(sink.error) == "vllm-1 did not accept a connection within 0.5 s"

    uvloop.run(story())


def test_a_name_that_is_not_told() -> None:
    """A directory that does not answer in time is a timeout."""

    async def story() -> None:
        wires = Wires(NO_AUTHORITY)

        async def look_up(host: str) -> tuple[str, ...]:
            await asyncio.sleep(3600)
            return (host,)

        wires.network.resolver._look_up = look_up
        async with serve_faults() as server, wires.upstream(server) as bench:
            sink = EventTaker()
            bench.upstream.start(
                request_for("text"),
                sink,
            )
            await until(lambda: sink.is_over)
            assert isinstance(sink.error, UpstreamTimeout)
            for task in wires.network.resolver._asking.values():
                task.cancel()
            await turns()

    uvloop.run(story())


@pytest.mark.parametrize("loop", LOOPS)
def test_https_through_a_proxy(tmp_path: Path, loop: Callable[[Awaitable[None]], None]) -> None:
    """A server behind TLS is reached by a tunnel: the proxy sees the host, never the key."""

    async def story() -> None:
        authority_file, tls = make_authority(tmp_path, HOST)
        async with serve_faults(tls=tls) as server, run_proxy() as proxy:
            wires = Wires(make_tls_context(authority_file), proxy=f"http://me:secret@proxy.test:{proxy.port}")
            async with wires.upstream(server) as bench:
                assert (await bench.take_events("text")).answer.text == TEXT
                assert (await bench.take_events("thinking")).error is None
                await turns()
            authority = f"{HOST}:{server.port}".encode()
            assert proxy.seen == [
                b"CONNECT %b HTTP/1.1\r\nhost: %b\r\nproxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n"
                % (authority, authority)
            ]
            assert wires.asked == ["proxy.test"]
            assert "proxy-authorization" not in server.requests[0].headers

    loop(story())


def test_http_through_a_proxy() -> None:
    """A plain server is asked for by its whole URL."""

    async def story() -> None:
        async with serve_faults() as server, run_proxy() as proxy:
            wires = Wires(NO_AUTHORITY, proxy=f"http://proxy.test:{proxy.port}")
            async with wires.upstream(server) as bench:
                assert (await bench.take_events("text")).answer.text == TEXT
            url = f"http://{HOST}:{server.port}/v1/chat/completions"
            assert proxy.seen[0].startswith(b"POST " + url.encode() + b" HTTP/1.1\r\n")
            assert server.requests[0].path == "/v1/chat/completions"

    uvloop.run(story())


def test_a_server_that_closes_when_it_hears_tls() -> None:
    """A plain server behind an https address is told as what it may be."""

    async def story() -> None:
        async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        listener = await asyncio.start_server(close, "127.0.0.1", 0)
        async with serve_faults() as server:
            server.scheme, server.port = "https", listener.sockets[0].getsockname()[1]
            async with Wires(NO_AUTHORITY).upstream(server) as bench:
                told = str((await bench.take_events("text")).error)
        listener.close()
        assert told == (
            "vllm-1 can't be reached: it closed the connection while TLS was set up; does it speak https there?"
        )

    uvloop.run(story())


@pytest.mark.parametrize(
    "answer, words",
    [
        (b"HTTP/1.1 407 Who are you\r\n\r\n", "the proxy refuses to connect to it, with status 407"),
        (b"HTTP/1.1 407", "the proxy closed the connection"),
        (b"SSH-2.0 hello\r\n\r\n", "the proxy refuses to connect to it, with status 0"),
        (b"x" * 20_000, "the proxy's answer is not HTTP"),
    ],
)
def test_a_proxy_that_refuses(answer: bytes, words: str) -> None:
    """What a proxy has against it is told."""

    async def story() -> None:
        async with serve_faults() as server, run_proxy(answer) as proxy:
            server.scheme = "https"
            wires = Wires(NO_AUTHORITY, proxy=f"http://proxy.test:{proxy.port}")
            async with wires.upstream(server) as bench:
                assert str((await bench.take_events("text")).error) == f"vllm-1 can't be reached: {words}"

    uvloop.run(story())


def test_a_proxy_that_is_not_there() -> None:
    """A dead proxy is not mistaken for a dead server."""

    async def story() -> None:
        async with serve_faults() as server:
            wires = Wires(NO_AUTHORITY, proxy="http://proxy.test:1")
            async with wires.upstream(server) as bench:
                assert "nothing listens at its proxy proxy.test:1" in str((await bench.take_events("text")).error)

    uvloop.run(story())


@pytest.mark.parametrize(
    "error, words",
    [
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "the host of {} is not known (Name or service",
        ),
        (OSError(errno.EHOSTUNREACH, "x"), "No route to host"),
        (OSError("odd"), "odd"),
        (OSError(), "no answer"),
    ],
)
def test_words_of_the_system(error: OSError, words: str) -> None:
    """What the system says is put in words, with the server's name and address."""

    async def story() -> None:
        wires = Wires(NO_AUTHORITY)

        async def look_up(host: str) -> tuple[str, ...]:
            raise error

        wires.network.resolver._look_up = look_up
        async with serve_faults() as server, wires.upstream(server) as bench:
            told = str((await bench.take_events("text")).error)
            assert told.startswith("vllm-1 can't be reached: " + words.format(f"{HOST}:{server.port}"))

    uvloop.run(story())
