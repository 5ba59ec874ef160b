"""Turns: writes the messages of a dialogue.

The protocol knows turns of the user and of the assistant, which alternate, and one system prompt before them. So turns
of one side that follow each other become one; what tools gave back comes first in the user's; and a system message that
comes later stands, marked as such, in the user's turn: servers refuse the role or move it to the front, where it spoils
their prompt cache.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Literal, assert_never

import msgspec

from setaria.core.dialogue import Block, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from setaria.core.errors import InvalidRequest
from setaria.wire.anthropic_messages.answer import input_from_arguments
from setaria.wire.anthropic_messages.client.begun import is_sent
from setaria.wire.upstream_codec import Manner

Content = dict[str, object] | msgspec.Raw

_FOREIGN_KINDS = frozenset({"input_audio", "video_url"})
_DATA_URL = re.compile(r"data:(?P<media_type>[\w/+.-]+)[^,]*;base64,(?P<data>.*)", re.IGNORECASE | re.DOTALL)
_BAD_ID_CHARACTER = re.compile(r"[^a-zA-Z0-9_-]")


class Turn(msgspec.Struct, frozen=True):
    """One message of the protocol."""

    role: Literal["user", "assistant"]
    content: list[Content]


def split_system(messages: Sequence[Message]) -> tuple[list[Content], Sequence[Message]]:
    """Part the system prompt from the turns after it; a dialogue of nothing else is asked as the user's turn."""
    rest = tuple(itertools.dropwhile(lambda message: message.role == "system", messages))
    if not rest:
        return [], messages
    system = messages[: len(messages) - len(rest)]
    return [block for message in system for block in _write_blocks(message.blocks)], rest


def write_turns(messages: Sequence[Message], manner: Manner) -> list[Turn]:
    """Write the messages after the system prompt, without thinking that the server would refuse; see the rules above.

    Raises: InvalidRequest for sound or film, which the protocol has no place for.
    """
    turns = []
    for is_assistant, group in itertools.groupby(messages, lambda message: message.role == "assistant"):
        if is_assistant:
            blocks = [block for message in group for block in message.blocks if is_sent(block, manner)]
            content = list(_write_blocks(blocks))
        else:
            content = _write_user_turn(tuple(group))
        if content:
            turns.append(Turn("assistant" if is_assistant else "user", content))
    return list(_join_neighbours(turns))


def _join_neighbours(turns: Iterable[Turn]) -> Iterable[Turn]:
    """Join turns of one side between which nothing was left."""
    for role, group in itertools.groupby(turns, lambda turn: turn.role):
        yield Turn(role, [block for turn in group for block in turn.content])


def _write_user_turn(messages: Sequence[Message]) -> list[Content]:
    results: list[Content] = []
    rest: list[Content] = []
    for message in messages:
        blocks = _mark_texts(message.blocks) if message.role == "system" else message.blocks
        content = list(_write_blocks(blocks))
        if message.role == "tool":
            results += content
        else:
            rest += content
    return results + rest


def _mark_texts(blocks: Iterable[Block]) -> list[Block]:
    return [Text(mark_as_system(block.text)) if isinstance(block, Text) else block for block in blocks]


def mark_as_system(text: str) -> str:
    """Mark a text in the user's turn as the system's."""
    return f"<system>\n{text}\n</system>"


def _write_blocks(blocks: Iterable[Block]) -> Iterable[Content]:
    """Write blocks, all but blank texts, which servers refuse."""
    for block in blocks:
        match block:
            case Text(text):
                if text.strip():
                    yield {"type": "text", "text": text}
            case Reasoning(text, signature):
                yield {"type": "thinking", "thinking": text, "signature": signature}
            case Image():
                yield {"type": "image", "source": _write_source(block)}
            case ToolCall(call_id, name):
                call = {"type": "tool_use", "id": _write_id(call_id), "name": name}
                yield call | {"input": input_from_arguments(block)}
            case ToolResult():
                yield _write_result(block)
            case Opaque(kind, raw):
                if kind in _FOREIGN_KINDS:
                    raise InvalidRequest(f"this model takes no {kind}; leave it out", param="messages")
                yield msgspec.Raw(raw)
            case _:
                assert_never(block)


def _write_source(image: Image) -> dict[str, str]:
    inline = _DATA_URL.fullmatch(image.url)
    if inline is not None:
        return {"type": "base64", "media_type": inline["media_type"].lower(), "data": inline["data"]}
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _write_id(call_id: str) -> str:
    """Write a call's id in the characters that the protocol allows, in the call and in its result alike."""
    return _BAD_ID_CHARACTER.sub("_", call_id)


def _write_result(result: ToolResult) -> dict[str, object]:
    """Write what a tool gave back; text alone as a string, which all servers take."""
    written: dict[str, object] = {"type": "tool_result", "tool_use_id": _write_id(result.call_id)}
    match result.content:
        case ():
            pass
        case (Text(text),):
            written["content"] = text
        case parts:
            written["content"] = list(_write_blocks(parts))
    return written | {"is_error": True} if result.is_error else written
