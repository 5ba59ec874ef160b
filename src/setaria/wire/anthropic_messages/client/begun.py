"""Begun: finds the turn of the model's that a request lets it go on with."""

from collections.abc import Iterable, Sequence

from setaria.core.dialogue import Block, Message, Opaque, Reasoning, Text


def read_begun_turn(messages: Sequence[Message]) -> Sequence[Block]:
    """Give what the model has said in the turn that goes on: in the last one, or in the one whose calls have given
    their results back. Empty where its turn is over.
    """
    begun: list[Block] = []
    rests, has_results = False, False
    for message in reversed(messages):
        said = [block for block in message.blocks if is_sent(block)]
        if message.role == "assistant":
            begun = said + begun
        elif begun:
            break
        elif said:
            rests, has_results = True, has_results or message.role == "tool"
    return begun if has_results or not rests else ()


def has_thought(blocks: Iterable[Block]) -> bool:
    """Tell whether thinking that the server can check is among blocks."""
    return any(
        isinstance(block, Reasoning) or (isinstance(block, Opaque) and block.kind == "redacted_thinking")
        for block in blocks
        if is_sent(block)
    )


def is_sent(block: Block) -> bool:
    """Tell whether a block goes to a server that checks thinking: all do but blank texts and unsigned thinking."""
    match block:
        case Text(text):
            return bool(text.strip())
        case Reasoning(_, signature):
            return bool(signature)
        case _:
            return True
