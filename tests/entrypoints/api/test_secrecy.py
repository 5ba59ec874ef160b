"""Secrecy: neither keys nor prompts nor answers are ever logged, whatever happens to the call."""

import pytest

from setaria.core.errors import UpstreamBusy, UpstreamCut, UpstreamFailed
from setaria.core.events import TextDelta
from setaria.domain.routing.ports import ModelRequest, Sink
from tests.entrypoints.api.serving import CHAT, MESSAGES, Site, visit
from tests.fakes.platform import add_key
from tests.fakes.scripted_upstream import HELLO, PAUSE, ScriptedAttempt, ScriptedUpstream
from tests.fakes.waiting import until
from tests.gateway.calling import CANARY, body_of

SECRET = TextDelta("a secret answer")
BODIES = [
    body_of(),
    body_of(stream=True),
    body_of(model=CANARY),
    body_of(stream=CANARY),
    body_of(tools=CANARY),
    body_of(tools=[{"type": CANARY}]),
    body_of(messages=[{"role": CANARY, "content": CANARY}]),
    body_of() + CANARY.encode(),
    CANARY.encode(),
]


class BrokenUpstream(ScriptedUpstream):
    """An upstream with a defect."""

    def start(self, request: ModelRequest, sink: Sink) -> ScriptedAttempt:
        raise KeyError(CANARY)


UPSTREAMS = [
    ScriptedUpstream((SECRET,), *HELLO),
    ScriptedUpstream((SECRET,), UpstreamCut("it broke off")),
    ScriptedUpstream(UpstreamFailed("it failed")),
    ScriptedUpstream(UpstreamBusy("it is busy", retry_after_s=1)),
    BrokenUpstream(),
]


@pytest.mark.parametrize("target", [CHAT, MESSAGES, MESSAGES + "/count_tokens"])
@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("fails", [0, 1, 100])
def test_nothing_secret_is_logged(target: str, upstream: ScriptedUpstream, fails: int) -> None:
    """No line of the log holds a key, a prompt or an answer, on any path of a call."""

    async def story(site: Site) -> None:
        other = add_key(site.stage.ledger)
        wanted = [site.stage.key, f"{site.stage.key}, {other}", other[:-1]]
        assert (await site.ask(site.request("GET", "/v1/models"))).status == 200
        for body in BODIES:
            for key in wanted:
                site.stage.ledger.fails = fails
                await site.ask(site.request("POST", target, body, authorization="", x_api_key=key))
        await until(lambda: not site.server._tasks)
        lines = repr(site.stage.log.lines)
        secrets = [CANARY, "canary", SECRET.text, site.stage.key[3:-1], other[3:-1]]
        assert [secret for secret in secrets if secret in lines] == []
        assert len(site.stage.log.lines) >= 2 * len(BODIES)

    visit(story, upstream)


@pytest.mark.parametrize(
    "request_bytes", [b"GET /%b", b"%b", b"GET / HTTP/1.1\r\nx-api-key: %b", b"PUT /v1/%b HTTP/1.1\r\n\r\n"]
)
def test_nothing_of_a_broken_request_is_logged(request_bytes: bytes) -> None:
    """A request that can't be read may hold a key anywhere."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(request_bytes % site.stage.key.encode() + b"\x00\r\n\r\n")
        assert (await wire.answer()).status in (400, 404)
        assert site.stage.key[3:-1] not in repr(site.stage.log.lines)

    visit(story)


def test_nothing_of_a_call_that_is_left_is_logged() -> None:
    """A client that leaves leaves no text behind."""

    async def story(site: Site) -> None:
        wire = await site.connect()
        wire.send(site.request("POST", CHAT, body_of(stream=True)))
        await until(lambda: site.stage.upstream.attempts)
        wire.close()
        await until(lambda: "call" in site.stage.log.events)
        assert [word for word in (CANARY, SECRET.text) if word in repr(site.stage.log.lines)] == []

    visit(story, ScriptedUpstream((SECRET,), PAUSE))
