"""Text size: refuses more text than one call may carry."""

from collections.abc import Iterable
from typing import assert_never

from setaria.core.dialogue import Block, Dialogue, Image, Opaque, Reasoning, Text, ToolCall, ToolResult
from setaria.core.errors import TooLarge
from setaria.wire.fields import Fields

TEXT_LIMIT_BYTES = 16 * 1024 * 1024


def refuse_long_text(fields: Fields, dialogue: Dialogue) -> None:
    """Let a dialogue go on whose text, as UTF-8 and without pictures and raw opaque blocks, is within the limit.

    Takes: fields, the request that the dialogue was read from; one that is short as a whole is not looked through.
    Raises: TooLarge.
    """
    if sum(map(len, fields.values())) <= TEXT_LIMIT_BYTES:
        return
    size_bytes = sum(_block_bytes(message.blocks) for message in dialogue.messages)
    size_bytes += sum(_text_bytes(tool.description) + len(tool.parameters) for tool in dialogue.tools)
    size_bytes += len(dialogue.response_format.schema)
    if size_bytes > TEXT_LIMIT_BYTES:
        raise TooLarge(
            f"the request has {size_bytes} bytes of text; at most {TEXT_LIMIT_BYTES} are allowed", param="messages"
        )


def _block_bytes(blocks: Iterable[Block]) -> int:
    size_bytes = 0
    for block in blocks:
        match block:
            case Text(text) | Reasoning(text) | Opaque(text=text):
                size_bytes += _text_bytes(text)
            case ToolCall(arguments=arguments):
                size_bytes += _text_bytes(arguments)
            case ToolResult(content=content):
                size_bytes += _block_bytes(content)
            case Image():
                pass
            case _:
                assert_never(block)
    return size_bytes


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
