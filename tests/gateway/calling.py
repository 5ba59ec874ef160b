"""Calling: the calls that the tests of the gateway make."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from setaria.core.errors import SetariaError
from setaria.core.ids import new_call_id
from setaria.core.protocol import ProtocolName
from setaria.gateway.refuse import refuse
from setaria.gateway.serve import serve
from setaria.gateway.stages import Received
from tests.fakes.client import RecordingClient
from tests.fakes.platform import CODECS, Stage, make_stage
from tests.fakes.scripted_upstream import ScriptedUpstream

PROTOCOLS: tuple[ProtocolName, ...] = ("openai_chat", "anthropic_messages")
PATIENCE_S = 20.0
CANARY = "the canary in the prompt"


def body_of(**fields: object) -> bytes:
    """Write a request that is good in both protocols, with these fields beside, or instead of, its own."""
    good = {"model": "seedling", "max_tokens": 100, "messages": [{"role": "user", "content": CANARY}]}
    return msgspec.json.encode(good | fields)


def received(stage: Stage, protocol: ProtocolName = "openai_chat", *credentials: str) -> Received:
    """Receive a call's head; without credentials it comes with the good key."""
    return Received(
        call_id=new_call_id(stage.clock.now_ms()),
        codec=CODECS[protocol],
        credentials=credentials or (stage.key,),
        at_ms=stage.clock.now_ms(),
        started_s=stage.clock.monotonic_s(),
    )


def begin(
    stage: Stage, protocol: ProtocolName, client: RecordingClient, *credentials: str
) -> tuple[Received, "asyncio.Task[None]"]:
    """Begin to serve a call."""
    call = received(stage, protocol, *credentials)
    return call, asyncio.get_running_loop().create_task(answer(call, client, stage))


async def answer(call: Received, client: RecordingClient, stage: Stage) -> None:
    """Serve a call, and tell the client when it is refused."""
    try:
        await serve(call, client, stage.platform)
    except SetariaError as error:
        refuse(error, call.codec, call.call_id, client)


def play(story: Callable[[Stage], Awaitable[None]], upstream: ScriptedUpstream | None = None) -> Stage:
    """Play a story on a platform of its own, and give that."""
    return play_on(story, partial(make_stage, upstream))


def play_on(story: Callable[[Stage], Awaitable[None]], make: Callable[[], Stage]) -> Stage:
    """Play a story on the platform that `make` makes, and give that."""

    async def whole() -> Stage:
        stage = make()
        async with asyncio.timeout(PATIENCE_S):  # what never comes is a failure, not a test that never ends
            await story(stage)
        return stage

    return asyncio.run(whole())


async def call(stage: Stage, protocol: ProtocolName, client: RecordingClient) -> None:
    """Make a call and wait for its end."""
    await begin(stage, protocol, client)[1]
