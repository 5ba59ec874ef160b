"""Secrecy: neither keys nor prompts nor answers are ever logged, whatever happens to the call."""

import pytest

from setaria.core.errors import SlowRequest, UpstreamBusy, UpstreamCut, UpstreamFailed
from setaria.core.events import TextDelta
from setaria.core.protocol import ProtocolName
from setaria.gateway.ports import ClientGone
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
from tests.fakes.scripted_upstream import HELLO, PAUSE, ScriptedUpstream, Step
from tests.gateway.calling import CANARY, PROTOCOLS, begin, body_of, play
from tests.gateway.test_endings import BrokenUpstream

SECRET_ANSWER = TextDelta("a secret answer")
BODIES: list[bytes | Exception] = [
    body_of(),
    body_of(stream=True),
    body_of(model=CANARY),
    body_of(stream=CANARY),
    body_of(tools=CANARY),
    body_of(messages=[{"role": CANARY, "content": CANARY}]),
    body_of() + CANARY.encode(),
    ClientGone(),
    SlowRequest("the request body did not arrive in time"),
]
UPSTREAMS = [
    ScriptedUpstream((SECRET_ANSWER,), *HELLO),
    ScriptedUpstream((SECRET_ANSWER,), UpstreamCut("it broke off")),
    ScriptedUpstream(UpstreamFailed("it failed")),
    ScriptedUpstream(UpstreamBusy("it is busy", retry_after_s=1)),
    BrokenUpstream(),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("fails", [0, 1, 100])
def test_nothing_secret_is_logged(protocol: ProtocolName, upstream: ScriptedUpstream, fails: int) -> None:
    """No line of the log holds a key, a prompt or an answer, on any path of a call."""

    async def story(stage: Stage) -> None:
        await stage.platform.keys.find(stage.key)
        for body in BODIES:
            for credentials in ((stage.key,), (stage.key, "sk-other"), (stage.key[:-1],)):
                stage.ledger.fails = fails
                _, task = begin(stage, protocol, RecordingClient(body), *credentials)
                await task

    stage = play(story, upstream)
    lines = repr(stage.log.lines)
    assert len(stage.log.lines) >= 3 * len(BODIES)
    assert [word for word in (CANARY, "canary", SECRET_ANSWER.text, stage.key[3:-1], "sk-other") if word in lines] == []


def test_a_client_that_never_sent_its_body() -> None:
    """A client that goes before its request is whole leaves a line in the log and no row."""
    steps: tuple[Step, ...] = (PAUSE,)

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", RecordingClient(ClientGone()))
        await task

    stage = play(story, ScriptedUpstream(*steps))
    assert (stage.log.events, stage.ledger.rows) == (["client_gone_early"], [])
