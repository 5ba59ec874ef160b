"""Routing: every path and method gets the answer that the contract promises."""

import asyncio

import msgspec
import pytest

from setaria.entrypoints.api.readiness import REMEMBERED_S
from setaria.entrypoints.api.routes import find_route, protocol_of
from tests.entrypoints.api.serving import CHAT, GOOD, MESSAGES, STREAM, Site, visit

OPENAI, ANTHROPIC = "openai", "anthropic"

ERRORS = [
    ("GET", "/nothing", 404, OPENAI, "there is nothing at /nothing"),
    ("GET", "/v1/nothing?model=x", 404, OPENAI, "there is nothing at /v1/nothing;"),
    ("POST", "/v1/models/a/b", 404, OPENAI, "nothing at"),
    ("GET", "/v1beta", 404, OPENAI, "nothing at"),
    ("GET", "/V1/models", 404, OPENAI, "nothing at"),
    ("GET", "/v1%2Fmodels", 404, OPENAI, "nothing at"),
    ("GET", "/consoles", 404, OPENAI, "nothing at"),
    ("OPTIONS", "*", 404, OPENAI, "nothing at"),
    ("GET", "/plan/v1/nothing", 404, OPENAI, "nothing at"),
    ("GET", "/anthropicx", 404, OPENAI, "nothing at"),
    ("GET", "/anthropic/nothing", 404, ANTHROPIC, "nothing at"),
    ("GET", "/anthropic//v1/messages", 404, ANTHROPIC, "nothing at"),
    ("POST", "/plan/anthropic/v1/nothing", 404, ANTHROPIC, "nothing at"),
    ("GET", CHAT, 405, OPENAI, "GET is not allowed on /v1/chat/completions; allowed: POST"),
    ("PUT", CHAT, 405, OPENAI, "allowed: POST"),
    ("DELETE", "/v1/models/seedling", 405, OPENAI, "allowed: GET, HEAD"),
    ("POST", "/v1/models", 405, OPENAI, "allowed: GET, HEAD"),
    ("GET", "/v1", 405, OPENAI, "allowed: HEAD"),
    ("POST", "/healthz", 405, OPENAI, "allowed: GET, HEAD"),
    ("GET", MESSAGES, 405, ANTHROPIC, "allowed: POST"),
    ("GET", MESSAGES + "/count_tokens", 405, ANTHROPIC, "allowed: POST"),
    ("PATCH", "/anthropic/v1/models", 405, ANTHROPIC, "allowed: GET, HEAD"),
    ("GET", "/v1/models/nothing", 404, OPENAI, "Unsupported model nothing"),
    ("GET", "/v1/models/seedlin", 404, OPENAI, "did you mean seedling?"),
    ("GET", "/anthropic/v1/models/seedlin", 404, ANTHROPIC, "did you mean seedling?"),
]


@pytest.mark.parametrize("method, target, status, form, fragment", ERRORS)
def test_what_is_not_there(method: str, target: str, status: int, form: str, fragment: str) -> None:
    """What is not there is told in the form of the protocol whose path it is."""

    async def story(site: Site) -> None:
        answer = await site.ask(site.request(method, target))
        error = answer.error
        assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
        assert fragment in error["message"]
        if form == OPENAI:
            assert (set(error), error["code"]) == ({"message", "type", "param", "code"}, str(status))
        else:
            told = msgspec.json.decode(answer.body)
            assert (told["type"], told["request_id"]) == ("error", answer.headers["x-request-id"])
        assert answer.headers.get("allow") == (fragment.rpartition("allowed: ")[2] if status == 405 else None)

    visit(story)


FOUND = [
    ("GET", "/v1/models", b'"seedling"'),
    ("GET", "/v1/models/", b'"seedling"'),
    ("GET", "/v1/models?limit=3&after=x#y", b'"seedling"'),
    ("GET", "http://localhost:99/v1/models?x=http://y/z", b'"seedling"'),
    ("GET", "/v1/models/seedling", b'"context_length"'),
    ("GET", "/v1/models/seedling/", b'"context_length"'),
    ("GET", "/v1/models/%73eedling", b'"context_length"'),
    ("GET", "/v1/models/org%2Fseedling", b'"context_length"'),
    ("GET", "/anthropic/v1/models", b'"has_more":false'),
    ("GET", "/anthropic/v1/models?beta=true", b'"has_more":false'),
    ("GET", "/anthropic/v1/models/seedling", b'"type":"model"'),
    ("GET", "/healthz", b'{"status":"ok"}'),
    ("GET", "/readyz", b'{"status":"ready"}'),
]


@pytest.mark.parametrize("method, target, fragment", FOUND)
def test_what_is_there(method: str, target: str, fragment: bytes) -> None:
    """Each route that is read answers GET with a body, and HEAD with the same head and none."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request(method, target))
        answer = await wire.answer()
        assert (answer.status, fragment in answer.body) == (200, True)
        wire.send(site.request("HEAD", target))
        head = await wire.answer("HEAD")
        assert (head.status, head.headers["content-length"]) == (200, str(len(answer.body)))
        wire.send(site.request(method, target))
        assert (await wire.answer()).body == answer.body

    visit(story)


@pytest.mark.parametrize(
    "target", ["/", "/v1", "/v1/", "/anthropic", "/anthropic/", "/plan", "/plan/v1", "/plan/anthropic/"]
)
def test_hello(target: str) -> None:
    """HEAD on the base addresses answers with nothing, without a key: clients try whether somebody is there."""

    async def story(site: Site) -> None:
        answer = await site.ask(site.request("HEAD", target, authorization=""), "HEAD")
        assert (answer.status, answer.headers["content-length"]) == (200, "0")

    visit(story)


@pytest.mark.parametrize("target", [CHAT, MESSAGES])
def test_head_on_a_route_that_is_written_to(target: str) -> None:
    """HEAD on a route that only takes POST is refused, without a body."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("HEAD", target))
        answer = await wire.answer("HEAD")
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        wire.send(site.request("POST", target, GOOD))
        assert (await wire.answer()).status == 200

    visit(story)


@pytest.mark.parametrize("target", [CHAT, CHAT + "/", CHAT + "?x=y", MESSAGES, MESSAGES + "?beta=true"])
@pytest.mark.parametrize("body", [GOOD, STREAM])
def test_a_call(target: str, body: bytes) -> None:
    """A call is answered, and its row has the id that the client was told."""

    async def story(site: Site) -> None:
        answer = await site.ask(site.request("POST", target, body))
        assert (answer.status, b"Hello" in answer.body) == (200, True)
        assert [row.id for row in site.stage.ledger.rows] == [answer.headers["x-request-id"]]
        if body is STREAM:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert answer.headers["x-accel-buffering"] == "no"

    visit(story)


def test_a_count() -> None:
    """Tokens are counted, 600 times a minute and key."""

    async def story(site: Site) -> None:
        site.stage.upstream.counted = 11
        wire = await site.connect()
        for _ in range(600):
            wire.send(site.request("POST", MESSAGES + "/count_tokens", GOOD))
            answer = await wire.answer()
            assert (answer.status, answer.body) == (200, b'{"input_tokens":11}')
        wire.send(site.request("POST", MESSAGES + "/count_tokens", GOOD))
        answer = await wire.answer()
        assert (answer.status, answer.headers["retry-after"]) == (429, "60")

    assert visit(story).stage.ledger.rows == []


@pytest.mark.parametrize("part", ["database", "scripted"])
def test_a_server_that_is_not_ready(part: str) -> None:
    """A server whose store or engine fails is not ready; what is wrong is in the log alone."""

    async def story(site: Site) -> None:
        if part == "database":
            site.stage.ledger.fault = "it is broken"
        else:
            site.stage.upstream.fault = "it is broken"
        answer = await site.ask(site.request("GET", "/readyz", authorization=""))
        assert (answer.status, answer.body) == (503, b'{"status":"unavailable"}')
        assert site.stage.log.fields_of("not_ready") == {part: "it is broken"}

    visit(story)


def test_a_server_whose_engine_nobody_needs() -> None:
    """An engine on which no call depends is not tried."""

    async def story(site: Site) -> None:
        site.stage.upstream.fault = "it is broken"
        site.needs_engine = False
        answer = await site.ask(site.request("GET", "/readyz", authorization=""))
        assert (answer.status, answer.body) == (200, b'{"status":"ready"}')

    visit(story)


def test_health_is_that_of_the_database() -> None:
    """A worker is healthy when its database is; the engine is none of its business."""

    async def story(site: Site) -> None:
        site.stage.upstream.fault = "it is broken"
        health = site.request("GET", "/healthz", authorization="")
        answer = await site.ask(health)
        assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
        site.stage.ledger.fault = "it is broken"
        site.stage.clock.advance(REMEMBERED_S)
        answer = await site.ask(health)
        assert (answer.status, answer.body) == (503, b'{"status":"unavailable"}')
        assert site.stage.log.fields_of("unhealthy") == {"database": "it is broken"}

    visit(story)


@pytest.mark.parametrize("target", ["/healthz", "/readyz"])
def test_anybody_may_ask_but_the_database_is_tried_once_a_second(target: str) -> None:
    """However many ask at once, the database is written to once, and again when a second has passed."""

    async def story(site: Site) -> None:
        asking = [site.ask(site.request("GET", target, authorization="")) for _ in range(20)]
        assert {answer.status for answer in await asyncio.gather(*asking)} == {200}
        assert site.stage.ledger.checks == 1
        site.stage.clock.advance(REMEMBERED_S)
        await site.ask(site.request("GET", target, authorization=""))
        assert site.stage.ledger.checks == 2

    visit(story)


@pytest.mark.parametrize(
    "path, protocol",
    [
        ("/anthropic", "anthropic_messages"),
        ("/plan/anthropic", "anthropic_messages"),
        ("/plan/anthropic/x", "anthropic_messages"),
        ("/plan", "openai_chat"),
        ("", "openai_chat"),
    ],
)
def test_whose_a_path_is(path: str, protocol: str) -> None:
    """Errors are told in the protocol of the path, whether it exists or not."""
    assert protocol_of(path) == protocol
    assert find_route(path + "/nothing") is None
