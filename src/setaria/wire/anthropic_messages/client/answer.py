"""Answer: reads a whole answer, as events or to be relayed."""

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import UpstreamFailed
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event, UsageReport
from setaria.core.tokens import estimate_tokens
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.correction import correct_message, identify_calls
from setaria.wire.anthropic_messages.client.errors import read_told_error
from setaria.wire.anthropic_messages.client.progress import AnswerProgress
from setaria.wire.anthropic_messages.client.shapes import (
    ContentBlock,
    Delta,
    StreamEvent,
    WholeMessage,
    read_message,
)
from setaria.wire.anthropic_messages.client.usage import (
    INPUT,
    OUTPUT,
    ToldUsage,
    merge_usage,
    name_source,
    usage_from_told,
    with_input,
    with_output,
)


def read_answer(body: bytes) -> list[Event]:
    """Read a whole answer as the events that a stream of it would bring.

    Raises: UpstreamFailed when it is no legal answer; what `read_told_error` gives when it is an error.
    """
    message = _read_legal(body)
    progress = AnswerProgress()
    events: list[Event] = []
    for index, block in enumerate(message.content or []):
        events += progress.take("content_block_start", StreamEvent(index=index, content_block=block))
    ending = Delta(stop_reason=message.stop_reason or "end_turn", stop_sequence=message.stop_sequence)
    events += progress.take("message_delta", StreamEvent(delta=ending))
    told, said_tokens = merge_usage(ToldUsage(), message.usage), _estimate(message)
    usage = usage_from_told(told, said_tokens)
    if usage is not None:
        events.append(UsageReport(usage, name_source(told, said_tokens)))
    return events


def relay_answer(body: bytes, model: str, dialogue: Dialogue) -> tuple[bytes, Usage | None, int]:
    """Read a whole answer that is relayed.

    Gives: its bytes with the public name of the model, odd usage corrected and an id for each call; the usage told, its
    output 0 where that was not, its input our own estimate where the output alone was; and an estimate of the output
    tokens.
    Raises: UpstreamFailed when it is no legal answer; what `read_told_error` gives when it is an error.
    """
    message = _read_legal(body)
    said_tokens = _estimate(message)
    usage = usage_from_told(merge_usage(ToldUsage(), message.usage), 0)
    input_tokens = 0 if usage is not None and usage.all_input_tokens else estimate_dialogue(dialogue)
    usage = with_input(usage, input_tokens)
    truth = with_output(usage or Usage(input_tokens), said_tokens)
    corrected = correct_message(msgspec.Raw(body), model, (INPUT, OUTPUT), truth)
    if any(block.lacks_id for block in message.content or ()):
        corrected = identify_calls(corrected)
    return corrected, usage, said_tokens


def _read_legal(body: bytes) -> WholeMessage:
    message = read_message(body)
    if message.error is not None:
        raise read_told_error(message.error)
    if message.content is None:
        raise UpstreamFailed("the model server's answer has no content")
    return message


def _estimate(message: WholeMessage) -> int:
    return sum(map(_estimate_block, message.content or []))


def _estimate_block(block: ContentBlock) -> int:
    texts = (block.text, block.thinking, block.name, bytes(block.input).decode())
    return sum(estimate_tokens(text) for text in texts if text)
