"""The room that a prompt leaves for the answer."""

import pytest

from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.core.estimate import estimate_dialogue
from setaria.gateway.clamp import clamp_output

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
