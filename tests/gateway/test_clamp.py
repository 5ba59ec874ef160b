"""The room that a prompt leaves for the answer."""

import pytest

from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.core.entries import UpstreamEntry, UpstreamKind
from setaria.core.estimate import estimate_dialogue
from setaria.gateway.clamp import clamp_output
from tests.fakes.client import RecordingClient
from tests.fakes.platform import SEEDLING, Stage
from tests.gateway.calling import answer, body_of, play, received

OVERHEAD_TOKENS = 4
BYTES_PER_TOKEN = 4


@pytest.mark.parametrize(
    "estimate, asked, given",
    [(400, 800, 550), (400, 550, 550), (400, 10, 10), (401, 800, 548), (900, 800, 1), (5000, 800, 1)],
)
def test_the_answer_gets_the_room_that_the_prompt_leaves(estimate: int, asked: int, given: int) -> None:
    """Of a context of 1,000 the answer gets what the estimate and an eighth of it leave, and one token at least."""
    text = Text("x" * ((estimate - OVERHEAD_TOKENS) * BYTES_PER_TOKEN))
    dialogue = Dialogue((Message("user", (text,)),), False, asked, Sampling(1.0, 1.0))
    clamped = clamp_output(dialogue, estimate_dialogue(dialogue), 1000)
    assert (clamped.max_output_tokens, clamped.messages) == (given, dialogue.messages)


@pytest.mark.parametrize("kind, given", [("openai", 1), ("local", 100)])
def test_the_engine_keeps_the_room_itself(kind: UpstreamKind, given: int) -> None:
    """A model server gets one token to answer a prompt that is too long; the engine condenses it, and gets all."""

    async def story(stage: Stage) -> None:
        entry = UpstreamEntry(name="scripted", kind=kind, base_url="http://127.0.0.1:1/v1")
        stage.platform.catalog.renew((SEEDLING,), (entry,))
        long = [{"role": "user", "content": "word " * 20_000}]
        await answer(received(stage), RecordingClient(body_of(messages=long)), stage)

    attempt = play(story).upstream.attempts[0]
    assert attempt.request.dialogue.max_output_tokens == given
