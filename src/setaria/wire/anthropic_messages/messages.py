"""Messages: reads the system prompt and the turns of a dialogue."""

from collections.abc import Mapping, Sequence

import msgspec

from setaria.core.dialogue import Block, Message, Role, Text, ToolCall, ToolResult
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.anthropic_messages.blocks import read_blocks
from setaria.wire.fields import Fields, present, read_object, required_choice
from setaria.wire.turns import read_turns

_BILLING = "x-anthropic-billing-header:"
_NOTHING = Text("")
_ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_messages(fields: Fields, traits: Traits) -> tuple[Message, ...]:
    """Read `system` and `messages` as turns in their order; a system turn may stand anywhere among them.

    Raises: InvalidRequest, which names the field at fault.
    """
    turns: list[Message] = []
    system = present(fields, "system")
    if system is not None:
        turns += _split_turn("system", read_blocks(system, "system", "system", traits))
    for at, item in enumerate(read_turns(fields)):
        turns += _read_message(item, f"messages.{at}", traits)
    return tuple(turns)


def is_begun(messages: Sequence[Message]) -> bool:
    """Tell whether the last turn is the beginning of the answer: one of the assistant's that ends with text.

    A turn with calls is whole, and thinking alone is no beginning that could go on.
    """
    blocks = messages[-1].blocks if messages and messages[-1].role == "assistant" else ()
    has_calls = any(isinstance(block, ToolCall) for block in blocks)
    return bool(blocks) and isinstance(blocks[-1], Text) and not has_calls


def _read_message(raw: msgspec.Raw, path: str, traits: Traits) -> tuple[Message, ...]:
    fields = read_object(raw, path)
    role = _ROLES[required_choice(fields, "role", f"{path}.role", tuple(_ROLES))]
    place = f"{path}.content"
    content = present(fields, "content")
    if content is None:
        raise InvalidRequest(f"{place} is missing; it must be a string or an array of blocks", param=place)
    blocks = read_blocks(content, place, role, traits)
    if role == "user" and not blocks:
        raise InvalidRequest(f"{place} must not be empty in a message of role user", param=place)
    return _split_turn(role, blocks)


def _drop_billing_line(block: Block) -> Block:
    """Drop the line that Claude Code puts before its system prompt: it is for its maker's servers and changes often.

    To all others it is noise that spoils the cache of prompts. Servers of this protocol get it, in the caller's bytes.
    Source: https://github.com/anthropics/claude-code/issues/24168, read November 2026.
    """
    if isinstance(block, Text) and block.text.startswith(_BILLING):
        return Text(block.text.partition("\n")[2].lstrip("\n"))
    return block


def _split_turn(role: Role, blocks: tuple[Block, ...]) -> tuple[Message, ...]:
    """Make the turns of one message: tool results come first and apart; a system message without words is none."""
    if role == "assistant":
        return (Message(role, blocks),)
    if role == "system":
        blocks = tuple(block for block in map(_drop_billing_line, blocks) if block != _NOTHING)
    results = tuple(block for block in blocks if isinstance(block, ToolResult))
    rest = tuple(block for block in blocks if not isinstance(block, ToolResult))
    turns = (Message("tool", results), Message(role, rest))
    return tuple(turn for turn in turns if turn.blocks)
