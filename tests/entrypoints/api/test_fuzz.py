"""Fuzz: whatever clients send in whatever pieces, each whole request has one answer or the connection ends.

A body may hold what looks like a request, to `/smuggled`; an answer to that would be an answer to nobody's request.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.entrypoints.api.serving import CHAT, GOOD, MESSAGES, STREAM, Answer, Site, Wire, visit
from tests.fakes.waiting import turns, until

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"
HOST = b"host: localhost\r\n"
FUZZED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENDS = ["stay", "half close", "close", "reset"]
LONGEST_S = 700.0


class Sent(NamedTuple):
    """A request, the status that its answer must have, and whether it leaves a row."""

    request: bytes
    status: int
    has_row: bool = False
    method: str = "POST"
    is_last: bool = False


def chunked(body: bytes, size: int, extension: bytes, trailers: bytes) -> bytes:
    """Frame a body in chunks."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(it), extension, it) for it in pieces) + b"0\r\n" + trailers + b"\r\n"


KINDS: dict[str, Callable[[Site], Sent]] = {
    "call": lambda site: Sent(site.request("POST", CHAT, GOOD), 200, has_row=True),
    "stream": lambda site: Sent(site.request("POST", MESSAGES, STREAM), 200, has_row=True),
    "chunks": lambda site: Sent(
        site.request("POST", MESSAGES, transfer_encoding="chunked") + chunked(GOOD, 30, b";a=b", b"x-t: 1\r\n"),
        200,
        has_row=True,
    ),
    "continue": lambda site: Sent(site.request("POST", CHAT, GOOD, expect="100-continue"), 200, has_row=True),
    "list": lambda site: Sent(site.request("GET", "/v1/models"), 200, method="GET"),
    "head": lambda site: Sent(site.request("HEAD", "/v1"), 200, method="HEAD"),
    "smuggler": lambda site: Sent(site.request("POST", CHAT, SMUGGLED), 400),
    "smuggler in chunks": lambda site: Sent(
        site.request("POST", CHAT, transfer_encoding="chunked") + chunked(SMUGGLED, 50, b"", b""), 400
    ),
    "smuggler without a key": lambda site: Sent(site.request("POST", CHAT, SMUGGLED, authorization=""), 401),
    "smuggler to nowhere": lambda site: Sent(site.request("POST", "/nothing", SMUGGLED), 404),
    "smuggler by reading": lambda site: Sent(site.request("GET", "/v1/models", SMUGGLED), 200, method="GET"),
    "last call": lambda site: Sent(site.request("POST", CHAT, GOOD, connection="close"), 200, True, is_last=True),
    "garbage": lambda _: Sent(b"\x00garbage\r\n\r\n" + SMUGGLED, 400, is_last=True),
}

# Requests whose end two readers might see in two places, so that one of them might see a second request in there.
AMBIGUOUS: list[bytes] = [
    b"content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"content-length: 3\r\ncontent-length: 48\r\n\r\n" + SMUGGLED,
    b"content-length: 0, 48\r\n\r\n" + SMUGGLED,
    b"content-length: +0\r\n\r\n" + SMUGGLED,
    b"content-length: 0x0\r\n\r\n" + SMUGGLED,
    b"content-length: 0 0\r\n\r\n" + SMUGGLED,
    b"content-length:\r\n\r\n" + SMUGGLED,
    b"content-length : 0\r\n\r\n" + SMUGGLED,
    b"content-length\x00: 0\r\n\r\n" + SMUGGLED,
    b"content-length: \xb2\r\n\r\n" + SMUGGLED,
    b"content-length: 0\rx: y\r\n\r\n" + SMUGGLED,
    b"content-length: 0\nx: y\r\n\r\n" + SMUGGLED,
    b"x: y\r\n content-length: 0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n' + SMUGGLED,
    b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding:\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n0\n\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n0\r\r" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n\r\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n5;\n0\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + SMUGGLED,
    b"transfer-encoding: chunked\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 0\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    HOST + b"content-length: 0\r\n\r\n" + SMUGGLED,
]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes in pieces at these places, as far as they have them."""
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[begin:end] for begin, end in itertools.pairwise(bounds)]


def pieces_of(row: list[Sent], kinds: list[str], places: list[int]) -> list[bytes]:
    """Cut a row of requests in pieces; what follows a call that says it is the last is never sent later than its end.

    Who says so must send nothing more (RFC 9112, 9.6), for the server closes, and a reset may overtake the answer.
    """
    pieces = cut(b"".join(each.request for each in row), places)
    if "last call" not in kinds:
        return pieces
    end = sum(len(each.request) for each in row[: kinds.index("last call") + 1])
    begins = list(itertools.accumulate(map(len, pieces), initial=0))
    sent = sum(begin < end for begin in begins[:-1])
    return [*pieces[: sent - 1], b"".join(pieces[sent - 1 :])]


async def read_answers(wire: Wire, methods: list[str]) -> list[Answer]:
    """Read answers until there are enough or the server closes."""
    answers: list[Answer] = []
    partial = b""
    for method in methods:
        try:
            answer = await wire.answer(method)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            partial = getattr(error, "partial", b"")
            break
        answers.append(answer)
    assert partial == b"", "the connection ended within an answer's head"
    return answers


@FUZZED
@given(
    st.lists(st.sampled_from([*KINDS]), min_size=1, max_size=6),
    st.lists(st.integers(0, 5000), max_size=12),
    st.integers(0, 6),
    st.sampled_from(ENDS[:2]),
)
@example(["last call", "call"], [253], 1, "stay")
@example(["last call", "call"], [253], 2, "stay")
@example(["last call", "call"], [253], 2, "half close")
def test_any_row_of_requests(kinds: list[str], places: list[int], pause: int, end: str) -> None:
    """Each request of a row has its own answer, in order, until one is said to be the last; none is smuggled."""

    async def story(site: Site) -> None:
        row = [KINDS[kind](site) for kind in kinds]
        wire = await site.connect()
        for piece in pieces_of(row, kinds, places):
            wire.send(piece)
            await turns(pause)
        if end == "half close" and not wire.writer.is_closing():
            wire.writer.write_eof()
        answers = await read_answers(wire, [each.method for each in row])
        assert [answer.status for answer in answers] == [each.status for each in row[: len(answers)]]
        assert all(answer.is_whole and b"smuggled" not in answer.body for answer in answers)
        closing = [answer.headers.get("connection") == "close" for answer in answers]
        assert not any(closing[:-1])
        is_last = closing[-1] or len(answers) < len(row)  # a stream has its head before it is known that it is the last
        assert not is_last or closing[-1] or kinds[len(answers) - 1] == "stream"
        assert is_last or not any(each.is_last for each in row)
        if is_last or end == "half close":
            assert await wire.is_closed()
        else:
            wire.send(site.request("HEAD", "/v1"))
            assert (await wire.answer("HEAD")).status == 200
        assert len(site.stage.ledger.rows) == sum(each.has_row for each in row[: len(answers)])

    visit(story)


@pytest.mark.parametrize("rest", AMBIGUOUS)
def test_what_two_readers_might_read_in_two_ways(rest: bytes) -> None:
    """However it is cut, a request without a certain end gets one refusal, and nothing in it gets anything."""

    async def story(site: Site) -> None:
        request = b"POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer " + site.stage.key.encode()
        request += b"\r\n" + HOST + rest
        at = len(request) - len(rest) - len(HOST)
        cuts = [[], range(len(request)), *([place] for place in range(at, len(request), 3))]
        for places in cuts:
            wire = await site.connect()
            for piece in cut(request, list(places)):
                wire.send(piece)
                await turns(2)
            wire.writer.write_eof()
            answers = await read_answers(wire, ["POST", "POST"])
            assert [answer.status for answer in answers] == [400]
            assert answers[0].headers["connection"] == "close"
            assert b"smuggled" not in answers[0].body
            wire.close()

    assert visit(story).stage.ledger.rows == []


@FUZZED
@given(
    st.lists(st.sampled_from([*KINDS]), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([0.0, 1.0, 9.0, 10.0, 29.0, 31.0, 76.0])), max_size=8),
    st.integers(0, 2000),
    st.sampled_from(ENDS),
)
def test_any_client_that_takes_its_time(
    kinds: list[str], pauses: list[tuple[int, float]], dropped: int, end: str
) -> None:
    """Whenever a client falls silent, leaves or does not, nothing of it is left when all clocks have run out."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        data = b"".join(KINDS[kind](site).request for kind in kinds)
        pieces = cut(data[: max(1, len(data) - dropped)], [place for place, _ in pauses])
        for piece, seconds in zip(pieces, [*(seconds for _, seconds in pauses), 0.0], strict=False):
            if wire.writer.is_closing():  # the server has had enough
                break
            wire.send(piece)
            await turns(4)
            site.stage.clock.advance(seconds)
            site.server.tick()
        match end:
            case "half close" if not wire.writer.is_closing():
                wire.writer.write_eof()
            case "close":
                wire.close()
            case "reset":
                wire.writer.transport.abort()
            case _:
                pass
        for _ in range(20):
            await turns(4)
            site.stage.clock.advance(LONGEST_S / 10)
            site.server.tick()
        await until(lambda: not site.server._connections and not site.server._tasks)

    site = visit(story)
    assert {line for line in site.stage.log.events if line not in KNOWN_LINES} == set()


KNOWN_LINES = {"call", "refused", "client_gone_early"}
