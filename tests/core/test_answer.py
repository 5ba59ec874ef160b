"""Answer: events become the answer that they are pieces of."""

import pytest

from setaria.core.answer import AnswerBuilder
from setaria.core.dialogue import Reasoning
from setaria.core.events import Event, ReasoningDelta, ReasoningSignature


@pytest.mark.parametrize(
    "events, reasoning, signed",
    [
        ([], "", ()),
        ([ReasoningDelta("a"), ReasoningDelta("b")], "ab", ()),
        ([ReasoningDelta("a"), ReasoningDelta("b"), ReasoningSignature("x")], "ab", (Reasoning("ab", "x"),)),
        ([ReasoningSignature("x")], "", (Reasoning("", "x"),)),
        (
            [ReasoningDelta("a"), ReasoningSignature("x"), ReasoningDelta("b"), ReasoningSignature("y")],
            "ab",
            (Reasoning("a", "x"), Reasoning("b", "y")),
        ),
        (
            [ReasoningDelta("a"), ReasoningSignature("x"), ReasoningDelta("b")],
            "ab",
            (Reasoning("a", "x"), Reasoning("b")),
        ),
    ],
)
def test_signed_reasoning(events: list[Event], reasoning: str, signed: tuple[Reasoning, ...]) -> None:
    """Reasoning is one text, and once more in its pieces where the model server signed any."""
    builder = AnswerBuilder()
    for event in events:
        builder.add(event)
    answer = builder.build()
    assert (reasoning, signed) == (answer.reasoning, answer.signed)
