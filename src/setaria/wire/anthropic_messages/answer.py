"""Answer: writes a whole answer, and the parts that streams share with it."""

import hashlib
from collections.abc import Mapping

import msgspec

from setaria.core.answer import Answer
from setaria.core.dialogue import Reasoning, ToolCall
from setaria.core.events import FinishReason
from setaria.core.ids import new_message_id
from setaria.core.usage import Usage
from setaria.wire.codec import AnswerHead

_STOP_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filter",
    "repetition_truncation": "repetition_truncation",
}
_NOTHING = ("", "null")
_encode = msgspec.json.Encoder().encode
_arguments = msgspec.json.Decoder(dict[str, object])


class UsageFields(msgspec.Struct, frozen=True):
    """The tokens of a call; `input_tokens` are those that no cache was read or written for."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int


class ThinkingBlock(msgspec.Struct, frozen=True, tag="thinking"):
    """What the model thought."""

    thinking: str
    signature: str


class TextBlock(msgspec.Struct, frozen=True, tag="text"):
    """A piece of the answer's text."""

    text: str


class ToolUseBlock(msgspec.Struct, frozen=True, tag="tool_use"):
    """A call of a tool; `input` is a JSON object."""

    id: str
    name: str
    input: msgspec.Raw


class MessageFields(msgspec.Struct, frozen=True, tag="message"):
    """A whole answer; without a stop reason it is the beginning of a stream."""

    id: str
    model: str
    content: tuple[ThinkingBlock | TextBlock | ToolUseBlock, ...]
    usage: UsageFields
    stop_reason: str | None = None
    stop_sequence: str | None = None
    role: str = "assistant"


def write_answer(head: AnswerHead, answer: Answer) -> bytes:
    """Write an answer as one message: what was thought, then the text, then the tool calls."""
    content: list[ThinkingBlock | TextBlock | ToolUseBlock] = [
        ThinkingBlock(piece.text, piece.signature or head.sign(hashlib.sha256(piece.text.encode()).digest()))
        for piece in answer.signed or (Reasoning(answer.reasoning),)
        if piece != Reasoning("")
    ]
    if answer.text:
        content.append(TextBlock(answer.text))
    content += [ToolUseBlock(call.id, call.name, input_from_arguments(call)) for call in answer.tool_calls]
    message = MessageFields(
        id=new_message_id(),
        model=head.model,
        content=tuple(content),
        usage=fields_from_usage(answer.usage),
        stop_reason=stop_reason_from_finish(answer.finish, answer.stop_sequence),
        stop_sequence=answer.stop_sequence or None,
    )
    return _encode(message)


def stop_reason_from_finish(reason: FinishReason, stop_sequence: str) -> str:
    """Name why the model stopped in the protocol's words; one of the caller's stop strings has a word of its own."""
    return "stop_sequence" if stop_sequence else _STOP_REASONS[reason]


def fields_from_usage(usage: Usage) -> UsageFields:
    """Put the three classes of input tokens and all output under the protocol's names."""
    return UsageFields(usage.input_tokens, usage.cache_write_tokens, usage.cached_input_tokens, usage.output_tokens)


def input_from_arguments(call: ToolCall) -> msgspec.Raw:
    """Make a tool's input of the arguments that the model wrote.

    Blank arguments and `null` are an empty input. Arguments that are no JSON object, such as those of a call that was
    cut short, are handed on whole as `{"_raw": "…"}`: the tool refuses them, and nothing is lost or run by mistake.
    """
    if call.arguments.strip() in _NOTHING:
        return msgspec.Raw(b"{}")
    try:
        _arguments.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        return msgspec.Raw(_encode({"_raw": call.arguments}))
    return msgspec.Raw(call.arguments.encode())
