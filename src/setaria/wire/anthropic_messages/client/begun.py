"""Begun: finds the turn of the model's that a request lets it go on with."""

from collections.abc import Sequence

from setaria.core.dialogue import Block, Message, Reasoning, Text
from setaria.wire.anthropic_messages.client.thoughts import is_welcome
from setaria.wire.upstream_codec import Manner


def read_begun_turn(messages: Sequence[Message], manner: Manner) -> list[Block]:
    """Give what goes to the server of the turn that the model goes on with: the last one, or the one whose calls have
    given their results back. Empty where its turn is over.
    """
    begun: list[Block] = []
    rests, has_results = False, False
    for message in reversed(messages):
        said = [block for block in message.blocks if is_sent(block, manner)]
        if message.role == "assistant":
            begun = said + begun
        elif begun:
            break
        elif said:
            rests, has_results = True, has_results or message.role == "tool"
    return begun if has_results or not rests else []


def is_sent(block: Block, manner: Manner) -> bool:
    """Tell whether a block goes to the server: all do but blank texts and thinking, which it would refuse."""
    match block:
        case Text(text):
            return bool(text.strip())
        case Reasoning():
            return is_welcome(block, manner)
        case _:
            return True
