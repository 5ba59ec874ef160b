"""Answer: reads a whole answer, as events, or along while it is relayed."""

import functools

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import UpstreamFailed
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event
from setaria.core.usage import Usage
from setaria.wire.loose import read_fields
from setaria.wire.openai_chat.client.chunk import UNREADABLE, Choice, Chunk, Delta, read_odd
from setaria.wire.openai_chat.client.errors import read_error_in_band
from setaria.wire.openai_chat.client.message import MessageReader
from setaria.wire.openai_chat.client.said import estimate_message
from setaria.wire.openai_chat.client.usage import complete_usage, read_usage, report_usage, rewrite_usage

_Fields = dict[str, msgspec.Raw]
_fields = msgspec.json.Decoder(_Fields)
_choices = msgspec.json.Decoder(list[_Fields])


class _Whole(Chunk, frozen=True, gc=False):
    """A whole answer, with the server's name of the model."""

    model: msgspec.Raw = msgspec.Raw()


_whole = msgspec.json.Decoder(_Whole)


def read_answer(body: bytes, dialogue: Dialogue) -> list[Event]:
    """Read a whole answer as events.

    Raises: UpstreamFailed when it is no legal answer; UpstreamError, CallerError when it is an error after all.
    """
    chunk, choice, message = _read(body)
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
    chunk, _, message = _read(body)
    changes: _Fields = {}
    shown = _quote(model)
    if chunk.model != shown:
        changes["model"] = shown
    told, said_tokens = read_usage(chunk.usage), estimate_message(message)
    usage = told.usage if told is not None else None
    truth = complete_usage(usage or Usage(estimate_dialogue(dialogue)), said_tokens)
    if told is None or told.is_odd or truth != usage:
        changes["usage"] = rewrite_usage(truth)
    if message.reasoning and not message.reasoning_content and message.thought:
        changes["choices"] = _rename_reasoning(read_fields(body)["choices"])
    sent = msgspec.json.encode({**read_fields(body), **changes}) if changes else body
    return sent, usage, said_tokens


def _read(body: bytes) -> tuple[_Whole, Choice, Delta]:
    try:
        chunk = _whole.decode(body)
    except UNREADABLE:
        chunk = read_odd(body, _Whole)
    if (len(chunk.error) or chunk.choices is None) and chunk.tells_error:
        raise read_error_in_band(body)
    choices = chunk.choices
    choice = choices[0] if choices and not choices[0].index else chunk.choice
    if choice is None or choice.message is None:
        raise UpstreamFailed("the model server sent an answer without a message")
    return chunk, choice, choice.message


def _rename_reasoning(raw: msgspec.Raw) -> msgspec.Raw:
    """Write the choices again with their reasoning under the name that callers know."""
    choices = _choices.decode(raw)
    for choice in choices:
        message = _fields.decode(choice["message"])
        message["reasoning_content"] = message.pop("reasoning")
        choice["message"] = msgspec.Raw(msgspec.json.encode(message))
    return msgspec.Raw(msgspec.json.encode(choices))


@functools.lru_cache(maxsize=1024)
def _quote(model: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(model))
