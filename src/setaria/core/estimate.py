"""Estimate: how many tokens a dialogue will about be read as."""

from typing import assert_never

from setaria.core.dialogue import Block, Dialogue, Image, Opaque, Reasoning, Text, ToolCall, ToolResult
from setaria.core.tokens import MESSAGE_OVERHEAD_TOKENS, estimate_tokens

IMAGE_TOKENS = 1000
_TOOL_OVERHEAD_TOKENS = 8
_SAID = (Text, Reasoning)


def estimate_dialogue(dialogue: Dialogue) -> int:
    """Estimate the input tokens of a dialogue: its texts, a fixed number an image, and the markers around them.

    Cost: 0.3 us a message, and 1 us for 20 KB of text.
    """
    tokens = MESSAGE_OVERHEAD_TOKENS * len(dialogue.messages)
    for message in dialogue.messages:
        for block in message.blocks:
            if isinstance(block, Text) and block.text.isascii():
                tokens += -(-len(block.text) // 4)  # as `estimate_tokens` has it, without a step more
            else:
                tokens += _estimate_block(block)
    for tool in dialogue.tools:
        tokens += _TOOL_OVERHEAD_TOKENS + estimate_tokens(tool.name) + estimate_tokens(tool.description)
        tokens += estimate_bytes(tool.parameters)
    return tokens


def estimate_bytes(raw: bytes) -> int:
    """Estimate the tokens of JSON bytes, as `estimate_tokens` does for text."""
    return -(-len(raw) // 4)


def _estimate_block(block: Block) -> int:
    # asked in the order of how often they come; a `match` takes four times as long
    if isinstance(block, ToolResult):
        return _TOOL_OVERHEAD_TOKENS + sum([_estimate_block(part) for part in block.content])
    if isinstance(block, ToolCall):
        return _TOOL_OVERHEAD_TOKENS + estimate_tokens(block.name) + estimate_tokens(block.arguments)
    if isinstance(block, _SAID):
        return estimate_tokens(block.text)
    if isinstance(block, Image):
        return IMAGE_TOKENS
    if isinstance(block, Opaque):
        return estimate_tokens(block.text) if block.text else min(estimate_bytes(block.raw), IMAGE_TOKENS)
    assert_never(block)
