"""Framing: what is a request, where it ends, and what is refused because nobody could say."""

import pytest

from tests.entrypoints.api.serving import CHAT, GOOD, MESSAGES, STREAM, Site, Wire, visit
from tests.fakes.platform import add_key
from tests.fakes.waiting import turns, until

HOST = b"host: localhost\r\n"
CHUNKED = "transfer-encoding: chunked\r\n"


def chunks(body: bytes, size: int, trailers: bytes = b"") -> bytes:
    """Frame a body in chunks of one size, with an extension on each."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


REFUSED = [
    (b"GET /v1/models HTTP/1.1\r\n\r\n", 400, "0 Host headers"),
    (b"GET /v1/models HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400, "2 Host headers"),
    (b"GET /v1/models HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400, "2 Host headers"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", 400, "not valid HTTP"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n", 400, "not valid HTTP"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip, chunked\r\n\r\n", 400, "only Transfer-Encoding"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked, gzip\r\n\r\n", 400, "not valid HTTP"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n", 400, "only"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc", 400, "not valid HTTP"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip\r\n\r\n", 400, "only Transfer-Encoding"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: -3\r\n\r\nabc", 400, "not valid HTTP"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 99999999999999999999999\r\n\r\n", 400, "not valid HTTP"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"content-length : 3\r\n\r\nabc", 400, "not valid HTTP"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"x-a: 1\r\n x-b: 2\r\n\r\n", 400, "not valid HTTP"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"x-a: \x00\r\n\r\n", 400, "not valid HTTP"),
    (b"GET / HTTP/1.1\nhost: a\n\n", 400, "not valid HTTP"),
    (b"GET /v1/models\r\n\r\n", 400, "the request is HTTP/0.9"),
    (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 400, "the request is HTTP/2.0"),
    (b"GET  /v1/models HTTP/1.1\r\n\r\n", 400, "0 Host"),
    (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "not valid HTTP"),
    (b"GET / HTTP/3.7\r\n" + HOST + b"\r\n", 400, "not valid HTTP"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "not valid HTTP"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400, "not valid HTTP"),
    (b"SSH-2.0-OpenSSH_9.9\r\n", 400, "not valid HTTP"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"x-long: " + b"a" * 20_000, 431, "headers are larger than 16 KB"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"x-long: " + b"a" * 20_000 + b"\r\n\r\n", 431, "headers are larger than 16 KB"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"x-a: b\r\n" * 3000 + b"\r\n", 431, "headers are larger than 16 KB"),
    (b"GET /" + b"a" * 20_000, 431, "headers are larger than 16 KB"),
    (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1048577\r\n\r\n", 413, "larger than 1 MB"),
    (
        b"POST %b HTTP/1.1\r\n" % CHAT.encode() + HOST + b"content-length: 5000000\r\n\r\n" + b" " * 5_000_000,
        413,
        "1 MB",
    ),
    (b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\nmore", 404, "nothing at"),
]


@pytest.mark.parametrize("request_bytes, status, fragment", REFUSED)
def test_what_is_refused(request_bytes: bytes, status: int, fragment: str) -> None:
    """What is no request beyond doubt is refused with a whole answer, and the connection is closed after it."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(request_bytes)
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert fragment in answer.error["message"]
        assert len(answer.headers["x-request-id"]) == 32
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("body", [GOOD, STREAM])
@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("trailers", [b"", b"x-api-key: sk-other\r\nx-sum: 1\r\n"])
def test_a_chunked_body(body: bytes, size: int, trailers: bytes) -> None:
    """A body may come in chunks of any size, with extensions and trailers, and the connection stays."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        head = site.request("POST", CHAT, transfer_encoding="chunked")
        for _ in range(2):
            wire.send(head + chunks(body, size, trailers))
            answer = await wire.answer()
            assert (answer.status, b"Hello" in answer.body) == (200, True)

    visit(story)


def test_a_chunked_body_above_the_limit() -> None:
    """A body whose length nobody announced is refused where it passes the limit."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, transfer_encoding="chunked") + chunks(b" " * 2_000_000, 50_000))
        assert (await wire.answer()).status == 413
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("tail", [b"0\r\nx-a: " + b"a" * 100_000, b"5;" + b"a" * 100_000])
def test_endless_trailers_and_extensions(tail: bytes) -> None:
    """What comes beside a chunked body is limited as the headers are."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, transfer_encoding="chunked"))
        await until(lambda: site.server._tasks)
        wire.send(tail)
        assert (await wire.answer()).status == 431
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("body", [b"xyz\r\n", b"3\r\nabcdef", b"-1\r\n", b"fffffffffffffffff\r\n", b"3\nabc\n0\n\n"])
def test_broken_chunks(body: bytes) -> None:
    """Broken chunks are told as such, and the connection is closed."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, transfer_encoding="chunked") + body)
        answer = await wire.answer()
        assert (answer.status, "not valid HTTP" in answer.error["message"]) == (400, True)
        assert await wire.is_closed()

    visit(story)


def test_continue() -> None:
    """A client that waits before it sends its body is told to go on once its key is known."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        request = site.request("POST", CHAT, GOOD, expect="100-continue")
        head = request.removesuffix(GOOD)
        wire.send(head)
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(GOOD)
        assert (await wire.answer()).status == 200
        wire.send(request)
        assert (await wire.reader.readline()).startswith(b"HTTP/1.1 200")

    visit(story)


def test_continue_is_not_said_to_a_bad_key() -> None:
    """A client with a bad key is refused before it sends its body."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, GOOD, expect="100-continue", authorization="").removesuffix(GOOD))
        assert (await wire.reader.readline()).startswith(b"HTTP/1.1 401")

    visit(story)


def test_continue_is_not_said_to_old_clients() -> None:
    """HTTP/1.0 knows no interim answers."""

    async def story(site: Site) -> None:
        request = site.request("POST", CHAT, GOOD, expect="100-continue").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        wire = await site.connect()
        wire.send(request.removesuffix(GOOD))
        await turns()
        wire.send(GOOD)
        assert (await wire.reader.readline()).startswith(b"HTTP/1.1 200")

    visit(story)


@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_an_old_client(body: bytes) -> None:
    """HTTP/1.0 gets no chunks; the end of the connection is the end of the answer."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, body, host="").replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        answer = await wire.answer()
        assert (answer.status, b"Hello" in answer.body) == (200, True)
        assert (answer.headers["connection"], "transfer-encoding" in answer.headers) == ("close", False)
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_a_client_that_wants_to_close(body: bytes) -> None:
    """The connection is closed after the answer when the client says so."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, body, connection="close"))
        answer = await wire.answer()
        assert (answer.status, answer.is_whole) == (200, True)
        assert await wire.is_closed()

    visit(story)


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_an_offer_of_another_protocol(framing: str) -> None:
    """A client that offers HTTP/2 along with its request is answered in HTTP/1.1, body and all."""

    async def story(site: Site) -> None:
        offer = "h2c\r\nconnection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMAAABk"
        wire = await site.connect()
        if framing == "chunked":
            request = site.request("POST", CHAT, transfer_encoding="chunked", upgrade=offer) + chunks(GOOD, 20)
        else:
            request = site.request("POST", CHAT, GOOD, upgrade=offer)
        wire.send(request[:-30])
        await turns()
        wire.send(request[-30:])
        answer = await wire.answer()
        assert (answer.status, b"Hello" in answer.body) == (200, True)
        assert await wire.is_closed()
        answer = await site.ask(site.request("GET", "/v1/models", upgrade=offer))
        assert (answer.status, answer.headers["connection"]) == (200, "close")

    visit(story)


def test_requests_in_one_write() -> None:
    """Requests that come at once are answered in order, each with its own id."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        targets = ["/v1/models/seedling", "/v1/nothing", "/healthz", "/v1/models", "/v1"]
        requests = [site.request("GET", target) for target in targets]
        wire.send(b"".join([*requests, site.request("POST", CHAT, STREAM), site.request("POST", MESSAGES, GOOD)]))
        answers = [await wire.answer() for _ in range(7)]
        assert [answer.status for answer in answers] == [200, 404, 200, 200, 405, 200, 200]
        assert b'"type":"message"' in answers[-1].body
        assert len({answer.headers["x-request-id"] for answer in answers}) == 7

    visit(story)


def test_a_bad_request_behind_a_good_one() -> None:
    """A good request is answered even if garbage follows it; the garbage ends the connection."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, GOOD) + b"garbage\r\n\r\n")
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.is_closed()

    visit(story)


def test_empty_lines_between_requests() -> None:
    """Empty lines before a request are passed over."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        for _ in range(3):
            wire.send(b"\r\n" + site.request("GET", "/v1/models") + b"\r\n")
            assert (await wire.answer()).status == 200

    visit(story)


def test_a_large_body_behind_a_slow_answer() -> None:
    """A request that waits for its turn is not read beyond what it needs, and does not run into a deadline."""

    async def story(site: Site) -> None:
        site.stage.ledger.close()
        wire = await site.connect()
        body = GOOD + b" " * 900_000
        wire.send(site.request("POST", CHAT, GOOD) + site.request("POST", CHAT, body))
        await until(lambda: site.server._held_bytes > 64 * 1024)
        await turns()
        assert site.server._held_bytes < 600_000
        for _ in range(3):
            site.stage.clock.advance(100)
            site.server.tick()
        site.stage.ledger.open()
        assert [(await wire.answer()).status, (await wire.answer()).status] == [200, 200]

    visit(story)


CREDENTIALS = [
    ({"authorization": "Bearer {key}"}, 200, ""),
    ({"authorization": "bearer   {key}"}, 200, ""),
    ({"authorization": "", "x_api_key": "{key}"}, 200, ""),
    ({"authorization": "", "api_key": "{key}"}, 200, ""),
    ({"authorization": "Bearer {key}", "x_api_key": "{key}", "api_key": "{key}"}, 200, ""),
    ({"authorization": "Basic abc", "x_api_key": "{key}"}, 200, ""),
    ({"authorization": "Bearer ", "x_api_key": "{key}"}, 200, ""),
    ({"authorization": "Bearer {key}, Bearer {key}"}, 200, ""),
    ({"authorization": ""}, 401, "the request has no key"),
    ({"authorization": "Basic abc"}, 401, "the request has no key"),
    ({"authorization": "Bearer"}, 401, "the request has no key"),
    ({"authorization": "Bearer {unknown}"}, 401, "unknown or was revoked"),
    ({"authorization": "Bearer {key}x"}, 401, "mistyped"),
    ({"authorization": "Bearer \xff\xfe"}, 401, "not one of this server"),
    ({"authorization": "Bearer {key}", "x_api_key": "{unknown}"}, 400, "two different keys"),
    ({"authorization": "Bearer {key}, Bearer {unknown}"}, 400, "two different keys"),
    ({"authorization": "", "x_api_key": "{key}, {unknown}"}, 400, "two different keys"),
    ({"authorization": "Bearer {key}\r\nauthorization: Bearer {unknown}"}, 400, "two different keys"),
    ({"authorization": "Bearer {suspended}"}, 403, "suspended"),
]


@pytest.mark.parametrize("fields, status, fragment", CREDENTIALS)
@pytest.mark.parametrize("target", [CHAT, MESSAGES])
def test_credentials(fields: dict[str, str], status: int, fragment: str, target: str) -> None:
    """One key in any of the three headers opens both protocols; two different ones open nothing."""

    async def story(site: Site) -> None:
        unknown = add_key(site.stage.ledger)
        site.stage.ledger.callers.popitem()
        suspended = add_key(site.stage.ledger, "suspended")
        keys = {"key": site.stage.key, "unknown": unknown, "suspended": suspended}
        headers = {name: value.format_map(keys) for name, value in fields.items()}
        answer = await site.ask(site.request("POST", target, GOOD, **headers))
        assert answer.status == status
        if status != 200:
            assert fragment in answer.error["message"]
            assert answer.headers["x-should-retry"] == "false"

    assert len(visit(story).stage.ledger.rows) == (status == 200)


@pytest.mark.parametrize("target", [CHAT, MESSAGES, MESSAGES + "/count_tokens"])
@pytest.mark.parametrize("framing", ["content-length: 900000\r\n", CHUNKED])
def test_a_refused_call_is_not_read(target: str, framing: str) -> None:
    """A bad key is refused when the headers are complete; what the client still sends does not spoil the answer."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(f"POST {target} HTTP/1.1\r\nhost: a\r\n{framing}\r\n".encode())
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        assert site.server._held_bytes == 0
        await send_away(wire)
        assert await wire.is_closed()

    visit(story)


async def send_away(wire: Wire) -> None:
    """Send a lot that nobody wants, then end."""
    for _ in range(20):
        wire.send(b"a" * 40_000)
        await turns(2)
    wire.writer.write_eof()
