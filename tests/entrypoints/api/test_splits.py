"""Splits: how a request is cut into packets changes nothing, and one that is never whole does no harm."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.entrypoints.api.serving import CHAT, MESSAGES, Site, visit
from tests.fakes.waiting import turns, until

BODY = b'{"model":"seedling","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
STREAMED = BODY[:-1] + b',"stream":true}'
CHANGING = re.compile(rb"[0-9a-f]{32}|msg_[0-9a-f]{24}")
KINDS = ["sized", "chunked", "stream", "refused", "read"]


def request_of(site: Site, kind: str) -> bytes:
    """Write a request of each kind."""
    match kind:
        case "chunked":
            body = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\nx-t: 1\r\n\r\n" % (20, BODY[:20], len(BODY) - 20, BODY[20:])
            return site.request("POST", CHAT, transfer_encoding="chunked") + body
        case "stream":
            return site.request("POST", MESSAGES, STREAMED)
        case "refused":
            return site.request("POST", "/nothing", BODY)
        case "read":
            return site.request("GET", "/v1/models")
        case _:
            return site.request("POST", CHAT, BODY)


async def ask_in_pieces(site: Site, *pieces: bytes) -> tuple[int, bytes]:
    """Send a request in pieces and give the answer, less what is new in each."""
    wire = await site.connect()
    for piece in pieces:
        wire.send(piece)
        await turns(4)
    answer = await wire.answer()
    wire.close()
    return answer.status, CHANGING.sub(b"", answer.body)


@pytest.mark.parametrize("kind", KINDS)
def test_every_split(kind: str) -> None:
    """A request that is cut in two at any byte, or comes byte by byte, gets the same answer."""

    async def story(site: Site) -> None:
        request = request_of(site, kind)
        expected = await ask_in_pieces(site, request)
        for at in range(1, len(request)):
            assert await ask_in_pieces(site, request[:at], request[at:]) == expected, at
        assert await ask_in_pieces(site, *(request[at : at + 1] for at in range(len(request)))) == expected

    visit(story)


@pytest.mark.parametrize("kind", KINDS)
def test_every_early_close(kind: str) -> None:
    """A client that leaves after any byte leaves nothing behind, and no row unless its request was whole."""

    async def story(site: Site) -> None:
        request = request_of(site, kind)
        for at in range(len(request)):
            wire = await site.connect()
            wire.send(request[:at])
            await turns(2)
            wire.close()
        await until(lambda: not site.server._connections and not site.server._tasks)
        assert site.stage.ledger.rows == []
        assert await ask_in_pieces(site, request)

    visit(story)


@pytest.mark.parametrize("size", [1, 13, 100])
def test_requests_in_a_row_at_any_split(size: int) -> None:
    """Requests one after another are answered in order, however they are cut."""

    async def story(site: Site) -> None:
        kinds = [kind for kind in KINDS if kind != "refused"]  # refused before its body is whole, it is the last
        requests = b"".join(request_of(site, kind) for kind in kinds)
        wire = await site.connect()
        for at in range(0, len(requests), size):
            wire.send(requests[at : at + size])
            await turns(2)
        assert [(await wire.answer()).status for _ in kinds] == [200] * 4

    visit(story)


def whatever_comes(*pieces: bytes) -> None:
    """Send bytes and end; the server answers with HTTP or not at all, closes, and is as good as before."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        for piece in pieces:
            wire.send(piece.replace(b"{key}", site.stage.key.encode()))
            await turns(2)
        wire.writer.write_eof()
        told = await wire.reader.read()
        assert told == b"" or told.startswith(b"HTTP/1.1 ")
        assert b"HTTP/1.1 500" not in told
        assert (await site.ask(site.request("GET", "/healthz"))).status == 200

    visit(story)


GOOD_REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
CHUNKED_REQUEST = (
    b"POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n"
    b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
)
PIECES = [
    b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\x00", b"\xff", b":", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n", b"HTTP/1.1",
    b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n", b"host: b\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n", b"connection: close\r\n", b"fffffffff\r\n", b"x" * 20_000,
]  # fmt: skip
BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@BOUNDED
@given(st.lists(st.binary(max_size=60) | st.sampled_from(PIECES), max_size=8))
@example([b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n"])
def test_any_bytes(pieces: list[bytes]) -> None:
    """No bytes make the server fail or hang."""
    whatever_comes(*pieces)


@BOUNDED
@given(
    st.sampled_from([GOOD_REQUEST, CHUNKED_REQUEST, GOOD_REQUEST + CHUNKED_REQUEST]),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=3),
    st.integers(0, 600),
)
def test_any_change(request_bytes: bytes, changes: list[tuple[int, int, bytes]], split_at: int) -> None:
    """No change to a good request makes the server fail or hang."""
    for at, dropped, put in changes:
        request_bytes = request_bytes[:at] + put + request_bytes[at + dropped :]
    whatever_comes(request_bytes[:split_at], request_bytes[split_at:])
