"""Conversation: writes the turns of a dialogue as messages.

Strict servers take a content of text only as one string, so pieces of text are joined by line breaks; parts are written
only where pictures are among them. Of opaque blocks the text goes out, where they bring one, and no more: no server but
the one they came from reads them.
"""

from collections.abc import Iterable
from typing import TypeGuard

from setaria.core.dialogue import Block, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult

_Shape = dict[str, object]

_ERROR = "Error: "
_SEE_BELOW = "(The picture that the tool gave is in the next message.)"
_PICTURES_ABOVE = "Pictures that the tools gave:"


def write_messages(messages: Iterable[Message]) -> list[_Shape]:
    """Write all turns. Pictures in tool results follow the results of that turn in a message of the user."""
    written: list[_Shape] = []
    pictures: list[Image] = []
    for message in messages:
        if message.role == "tool":
            for block in message.blocks:
                if isinstance(block, ToolResult):
                    written.append(_write_result(block, message.name))
                    pictures += [part for part in block.content if isinstance(part, Image)]
            continue
        written += _write_pictures(pictures)
        pictures = []
        written.append(_write_assistant(message) if message.role == "assistant" else _write_turn(message))
    return written + _write_pictures(pictures)


def _write_turn(message: Message) -> _Shape:
    """Write a turn of the system or the user."""
    if not any(isinstance(block, Image) for block in message.blocks):
        return _shape(message, content=_join_text(message.blocks))
    parts: list[_Shape] = []
    for block in message.blocks:
        if isinstance(block, Image):
            parts.append(_write_image(block))
        elif _has_text(block):
            parts.append({"type": "text", "text": block.text})
    return _shape(message, content=parts)


def _write_assistant(message: Message) -> _Shape:
    """Write a turn of the model. Its reasoning goes out under both names, for vLLM reads one and others the other.

    Source: https://github.com/vllm-project/vllm/issues/38488, read November 2026.
    """
    fields: _Shape = {"content": _join_text(message.blocks)}
    reasoning = "".join(block.text for block in message.blocks if isinstance(block, Reasoning))
    if reasoning:
        fields["reasoning_content"] = fields["reasoning"] = reasoning
    calls = [_write_call(block) for block in message.blocks if isinstance(block, ToolCall)]
    if calls:
        fields["tool_calls"] = calls
    return _shape(message, **fields)


def _write_call(call: ToolCall) -> _Shape:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _write_result(result: ToolResult, name: str) -> _Shape:
    """Write a tool's result; the protocol has no mark for a failed one, so its text says so."""
    text = _join_text(result.content)
    if any(isinstance(part, Image) for part in result.content):
        text = f"{text}\n{_SEE_BELOW}" if text else _SEE_BELOW
    content = f"{_ERROR}{text}" if result.is_error else text
    return _shape(Message("tool", (), name), tool_call_id=result.call_id, content=content)


def _write_pictures(pictures: list[Image]) -> list[_Shape]:
    if not pictures:
        return []
    blocks: tuple[Block, ...] = (Text(_PICTURES_ABOVE), *pictures)
    return [_write_turn(Message("user", blocks))]


def _write_image(image: Image) -> _Shape:
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _join_text(blocks: Iterable[Block]) -> str:
    return "\n".join(block.text for block in blocks if _has_text(block))


def _has_text(block: Block) -> TypeGuard[Text | Opaque]:
    return isinstance(block, Text) or (isinstance(block, Opaque) and block.text != "")


def _shape(message: Message, **fields: object) -> _Shape:
    return {"role": message.role, **({"name": message.name} if message.name else {}), **fields}
