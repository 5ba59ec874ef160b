"""Answer: reads a whole answer, as events, or along while it is relayed."""

import functools
from typing import NamedTuple

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import UpstreamFailed
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event
from setaria.core.ids import new_tool_call_id
from setaria.core.usage import Usage
from setaria.wire.openai_chat.client.chunk import Choice, Delta, NamedChunk, read_named, read_odd
from setaria.wire.openai_chat.client.errors import read_error_in_band
from setaria.wire.openai_chat.client.message import MessageReader
from setaria.wire.openai_chat.client.rewritten import Changes, ShownCall, rewrite
from setaria.wire.openai_chat.client.said import estimate_message
from setaria.wire.openai_chat.client.usage import complete_usage, read_usage, report_usage, rewrite_usage


class _Whole(NamedTuple):
    """A whole answer with its one message; `is_odd`: some values are of another type than they should be."""

    chunk: NamedChunk
    choice: Choice
    message: Delta
    is_odd: bool


def read_answer(body: bytes, dialogue: Dialogue) -> list[Event]:
    """Read a whole answer as events.

    Raises: UpstreamFailed when it is no legal answer; UpstreamError, CallerError when it is an error after all.
    """
    chunk, choice, message, _ = _read(body)
    reader = MessageReader(dialogue)
    events = reader.add(message)
    reader.note_finish(choice)
    events += reader.close()
    told = read_usage(chunk.usage)
    usage = None if told is None else told.usage
    return events if usage is None else [*events, report_usage(usage, estimate_message(message))]


def relay_answer(body: bytes, model: str, dialogue: Dialogue) -> tuple[bytes, Usage | None, int]:
    """Read along a whole answer; `model` is the public id to show, `dialogue` what was asked.

    Gives: the bytes to send on, changed in the same places as a stream's; the usage told, corrected; an estimate of the
    output tokens.
    Raises: as `read_answer`.
    """
    whole = _read(body)
    chunk, message = whole.chunk, whole.message
    changes = Changes({}, _show_calls(whole), message.hidden_thought)
    shown = _quote(model)
    if chunk.model != shown:
        changes.fields["model"] = shown
    told, said_tokens = read_usage(chunk.usage), estimate_message(message)
    usage = told.usage if told is not None else None
    truth = complete_usage(usage or Usage(estimate_dialogue(dialogue)), said_tokens)
    if told is None or told.is_odd or truth != usage:
        changes.fields["usage"] = rewrite_usage(truth)
    return rewrite(body, "message", changes) if changes.are_any else body, usage, said_tokens


def _read(body: bytes) -> _Whole:
    named = read_named(body)
    chunk = read_odd(body, NamedChunk) if named is None else named
    if (len(chunk.error) or chunk.choices is None) and chunk.tells_error:
        raise read_error_in_band(body)
    choices = chunk.choices
    choice = choices[0] if choices and not choices[0].index else chunk.choice
    if choice is None or choice.message is None:
        raise UpstreamFailed("the model server sent an answer without a message")
    return _Whole(chunk, choice, choice.message, named is None)


def _show_calls(whole: _Whole) -> list[ShownCall]:
    """Say how calls are shown; none where all are as they came. A call without an id gets one, to be answered by."""
    calls = whole.message.tool_calls or []
    if not whole.is_odd and all(call.id for call in calls):
        return []
    return [ShownCall(id=call.id or new_tool_call_id()) for call in calls]


@functools.lru_cache(maxsize=1024)
def _quote(model: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(model))
