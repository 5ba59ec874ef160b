"""Estimate: how many tokens a dialogue will about be read as."""

from typing import assert_never

from setaria.core.dialogue import Dialogue, Image, Opaque, Reasoning, Text, ToolCall, ToolResult
from setaria.core.tokens import estimate_message_overhead, estimate_tokens

IMAGE_TOKENS = 1000
_TOOL_OVERHEAD_TOKENS = 8


def estimate_dialogue(dialogue: Dialogue) -> int:
    """Estimate the input tokens of a dialogue: its texts, a fixed number an image, and the markers around them."""
    tokens = 0
    for message in dialogue.messages:
        tokens += estimate_message_overhead()
        for block in message.blocks:
            tokens += _estimate_block(block)
    for tool in dialogue.tools:
        tokens += _TOOL_OVERHEAD_TOKENS + estimate_tokens(tool.name) + estimate_tokens(tool.description)
        tokens += estimate_bytes(tool.parameters)
    return tokens


def estimate_bytes(raw: bytes) -> int:
    """Estimate the tokens of JSON bytes, as `estimate_tokens` does for text."""
    return -(-len(raw) // 4)


def _estimate_block(block: Text | Reasoning | Image | ToolCall | ToolResult | Opaque) -> int:
    match block:
        case Text(text) | Reasoning(text):
            return estimate_tokens(text)
        case Image():
            return IMAGE_TOKENS
        case ToolCall(_, name, arguments):
            return _TOOL_OVERHEAD_TOKENS + estimate_tokens(name) + estimate_tokens(arguments)
        case ToolResult(_, content):
            return _TOOL_OVERHEAD_TOKENS + sum(_estimate_block(part) for part in content)
        case Opaque(_, raw):
            return min(estimate_bytes(raw), IMAGE_TOKENS)
        case _:
            assert_never(block)
