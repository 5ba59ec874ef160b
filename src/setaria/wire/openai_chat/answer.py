"""Answer: writes a whole answer as one JSON body."""

from typing import Literal

import msgspec

from setaria.core.answer import Answer
from setaria.core.events import FinishReason
from setaria.wire.codec import AnswerHead
from setaria.wire.openai_chat.usage import UsageShape, shape_usage


class CalledFunction(msgspec.Struct, frozen=True):
    """The function that the model calls, its arguments as JSON text."""

    name: str
    arguments: str


class CallShape(msgspec.Struct, frozen=True):
    """One entry of `tool_calls`."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class MessageShape(msgspec.Struct, frozen=True):
    """The `message` object; `tool_calls` is null when there are none, `reasoning_content` is left out."""

    role: Literal["assistant"]
    content: str
    reasoning_content: str | msgspec.UnsetType
    tool_calls: list[CallShape] | None


class Choice(msgspec.Struct, frozen=True):
    """The one entry of `choices`."""

    index: int
    finish_reason: FinishReason
    message: MessageShape


class Completion(msgspec.Struct, frozen=True):
    """The whole body."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: tuple[Choice]
    usage: UsageShape


def write_answer(head: AnswerHead, answer: Answer) -> bytes:
    """Write a whole answer."""
    calls = [CallShape(call.id, "function", CalledFunction(call.name, call.arguments)) for call in answer.tool_calls]
    message = MessageShape("assistant", answer.text, answer.reasoning or msgspec.UNSET, calls or None)
    completion = Completion(
        id=head.call_id,
        object="chat.completion",
        created=head.created_at_ms // 1000,
        model=head.model,
        choices=(Choice(0, answer.finish, message),),
        usage=shape_usage(answer.usage),
    )
    return msgspec.json.encode(completion)
