"""System turns: messages of role `system` within `messages`, which coding tools send and servers refuse.

They refuse the role, or want a header of the caller's that does not cross. So such a message becomes what `turns.py`
makes of it: before the first turn a part of the system prompt, later a marked text in the user's turn. The turn that it
joins keeps its blocks as they came, what tools gave back first; all other turns stay as they are.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from setaria.wire.anthropic_messages.client.turns import mark_as_system
from setaria.wire.fields import Fields, is_string, present, read_list, read_object, read_string

_SYSTEM = b'"system"'
_TEXT, _RESULT = "text", "tool_result"

_Block = msgspec.Raw | dict[str, object]


class _Turn(msgspec.Struct, frozen=True):
    role: str
    content: msgspec.Raw


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""


_turn = msgspec.json.Decoder(_Turn)
_kind = msgspec.json.Decoder(_Kind)
_encode = msgspec.json.Encoder().encode


def may_have_system_turns(messages: msgspec.Raw) -> bool:
    """Tell whether messages may hold one of role `system`.

    Cost: hot path; 20 us for 1 MB.
    """
    return _SYSTEM in bytes(messages)


def place_system_turns(given: Fields, messages: Sequence[msgspec.Raw]) -> dict[str, object]:
    """Give the fields `messages`, and `system` where it changes; none where no message has that role."""
    turns = [_turn.decode(item) for item in messages]
    if not any(turn.role == "system" for turn in turns):
        return {}
    prompt = list(itertools.takewhile(lambda turn: turn.role == "system", turns))
    if len(prompt) == len(turns):
        prompt = []
    fields: dict[str, object] = {}
    if prompt:
        system = present(given, "system")
        fields["system"] = [*(() if system is None else _read_blocks(system)), *_read_prompt(prompt)]
    rest = zip(turns[len(prompt) :], messages[len(prompt) :], strict=True)
    return fields | {"messages": list(_join_turns(rest))}


def _read_prompt(turns: Iterable[_Turn]) -> Iterator[_Block]:
    return (block for turn in turns for block in _read_blocks(turn.content) if not _is_blank(block))


def _join_turns(turns: Iterable[tuple[_Turn, msgspec.Raw]]) -> Iterator[object]:
    """Give the messages; a system turn and the user's around it are one."""
    for is_assistant, group in itertools.groupby(turns, lambda each: each[0].role == "assistant"):
        pairs = list(group)
        if is_assistant or not any(turn.role == "system" for turn, _ in pairs):
            yield from (item for _, item in pairs)
        elif content := _join_blocks(turn for turn, _ in pairs):
            yield {"role": "user", "content": content}


def _join_blocks(turns: Iterable[_Turn]) -> list[_Block]:
    results: list[_Block] = []
    rest: list[_Block] = []
    for turn in turns:
        for block in _read_blocks(turn.content):
            if _read_kind(block).type == _RESULT:
                results.append(block)
            elif turn.role != "system":
                rest.append(block)
            elif not _is_blank(block):
                rest.append(_mark(block))
    return results + rest


def _read_blocks(content: msgspec.Raw) -> list[msgspec.Raw]:
    """Give the blocks of a content; a string is one, none when it is blank."""
    if not is_string(content):
        return read_list(content, "messages.content")
    text = read_string(content, "messages.content")
    return [msgspec.Raw(_encode({"type": _TEXT, "text": text}))] if text.strip() else []


def _mark(block: msgspec.Raw) -> _Block:
    """Mark a text as the system's; its cache mark stays."""
    kind = _read_kind(block)
    if kind.type != _TEXT:
        return block
    return dict[str, object](read_object(block, "messages.content")) | {"text": mark_as_system(kind.text)}


def _is_blank(block: msgspec.Raw) -> bool:
    kind = _read_kind(block)
    return kind.type == _TEXT and not kind.text.strip()


def _read_kind(block: msgspec.Raw) -> _Kind:
    """Read what kind of block it is, with its text if it is one."""
    try:
        return _kind.decode(block)
    except msgspec.ValidationError:  # a block that the platform does not know may have another `text`
        return _Kind()
