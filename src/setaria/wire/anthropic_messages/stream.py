"""Stream: writes an answer as server-sent events.

Theory. A message is a row of content blocks. Each has a number one above the last one's, is opened, gets deltas of its
own kind and is stopped before the next one opens. The state names the block that is open (`between` when none is) or
how far the end has come, and `_NEXT` is all that may happen in it. What is thought and said opens a block when it
comes, a tool call opens one of its own. So it can never happen that

- two blocks are open, a number is used twice, or a delta comes for a block that is not open;
- a thinking block ends without a signature, or has more thinking after it; the model server's own signature ends the
  block, and one that comes alone gets an empty block;
- anything comes after `message_stop` or after an error;
- the input of a call begins as no JSON object does, which clients stumble over: what a model writes in its place is
  held until the block ends, and becomes what it is in a whole answer.

An event that is not in the table is a defect of whoever sends it: InternalError, with nothing written and the state as
it was, so that `fail` can still end the stream. This holds for the arguments of a call that is not the one open, too:
a block that was stopped can't be opened again, and to hold all calls back until the last would delay each of them.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Literal, assert_never

import msgspec

from setaria.core.dialogue import ToolCall
from setaria.core.errors import InternalError, SetariaError
from setaria.core.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    Saying,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.ids import new_message_id
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.answer import (
    MessageFields,
    UsageFields,
    fields_from_usage,
    input_from_arguments,
    stop_reason_from_finish,
)
from setaria.wire.anthropic_messages.errors import write_error
from setaria.wire.codec import AnswerHead
from setaria.wire.frame import Frame, NotedFrame, WrittenFrame
from setaria.wire.sse import write_event

_State = Literal["unopened", "between", "thinking", "text", "tool_use", "finished", "counted", "ended"]
_Step = Literal["open", "thinking", "signature", "text", "tool_use", "arguments", "finish", "usage", "close", "fail"]

_CONTENT: Mapping[_Step, _State] = {
    "thinking": "thinking",
    "signature": "between",
    "text": "text",
    "tool_use": "tool_use",
    "finish": "finished",
    "fail": "ended",
}
_NEXT: Mapping[_State, Mapping[_Step, _State]] = {
    "unopened": {"open": "between"},
    "between": _CONTENT,
    "thinking": _CONTENT,
    "text": _CONTENT,
    "tool_use": {**_CONTENT, "arguments": "tool_use"},
    "finished": {"usage": "counted", "fail": "ended"},
    "counted": {"close": "ended", "fail": "ended"},
    "ended": {},
}

_START = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
_DELTA_END = b"}}\n\n"
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_EMPTY_THINKING = b'{"type":"thinking","thinking":"","signature":""}'
_EMPTY_TEXT = b'{"type":"text","text":""}'
_OBJECT = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*["}]')

_encode = msgspec.json.Encoder().encode


class ToolUseStart(msgspec.Struct, frozen=True, tag="tool_use"):
    """The block of a call whose input is yet to come."""

    id: str
    name: str
    input: dict[str, str] = {}


class StopFields(msgspec.Struct, frozen=True):
    """Why the model stopped."""

    stop_reason: str
    stop_sequence: str | None


class MessageStart(msgspec.Struct, frozen=True, tag="message_start"):
    """The first event's data."""

    message: MessageFields


class MessageDelta(msgspec.Struct, frozen=True, tag="message_delta"):
    """The data of the event that tells how the message ended."""

    delta: StopFields
    usage: UsageFields


class AnthropicStream:
    """Writes one answer as the protocol's events; see the theory above.

    Order: `open`; `write` for each event up to the `UsageReport`; `close`. `fail` instead of any of the last two.
    """

    __slots__ = (
        "_calls",
        "_delta_head",
        "_digest",
        "_finish",
        "_has_input",
        "_head",
        "_held",
        "_index",
        "_is_odd",
        "_state",
    )

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._state: _State = "unopened"
        self._index = -1
        self._calls = 0
        self._has_input = False  # of the open call, an object has begun and was written
        self._is_odd = False  # of the open call, what has begun is no object
        self._held: list[str] = []  # arguments of the open call, while no object has begun
        self._delta_head = b""
        self._digest = hashlib.sha256()
        self._finish = Finish("stop")

    def open(self) -> bytes:
        """Write the start of the message, with the input's tokens as far as they can be known."""
        self._state = self._next("open")
        usage = UsageFields(self._head.input_tokens_estimate, 0, 0, 0)
        message = MessageFields(new_message_id(), self._head.model, (), usage)
        return write_event(b"message_start", _encode(MessageStart(message)))

    def write(self, event: Event) -> bytes:
        """Write one event; empty when it shows nothing yet.

        Raises: InternalError when the event may not come now.
        Cost: hot path, about 1 us for a delta of an open block.
        """
        match event:
            case TextDelta(text):
                return self._write_text(text)
            case ReasoningDelta(text):
                return self._write_thinking(text)
            case ReasoningSignature(signature):
                return self._write_signature(signature)
            case ToolCallDelta():
                return self._write_arguments(event)
            case ToolCallStart():
                return self._write_call(event)
            case Finish():
                closing = self._leave_block("finish")
                self._finish = event
                return closing
            case UsageReport(usage):
                return self._write_end(usage)
            case _:
                assert_never(event)

    def frame(self, delta: Saying) -> Frame | None:
        """Give what stands around the text of more deltas like this, where they go on with the open block."""
        match delta:
            case TextDelta() if self._state == "text":
                return WrittenFrame(self._delta_head, _DELTA_END)
            case ReasoningDelta() if self._state == "thinking":
                return NotedFrame(self._delta_head, _DELTA_END, self._digest.update)
            case ToolCallDelta(index) if self._has_input and self._state == "tool_use" and index == self._calls - 1:
                return WrittenFrame(self._delta_head, _DELTA_END)
            case _:
                return None

    def close(self) -> bytes:
        """Write the end of the message.

        Raises: InternalError when the answer has not ended with its usage.
        """
        self._state = self._next("close")
        return _MESSAGE_STOP

    def fail(self, error: SetariaError) -> bytes:
        """Write the error as an event after which nothing comes, with the open block left open.

        Raises: InternalError when the stream was never opened or has ended.
        """
        self._state = self._next("fail")
        return write_event(b"error", write_error(error, self._head.call_id)[1])

    def _next(self, step: _Step) -> _State:
        """Look up where a step leads.

        Raises: InternalError when the table has no such step in this state.
        """
        state = _NEXT[self._state].get(step)
        if state is None:
            raise InternalError(f"an answer's stream got the step {step} in the state {self._state}")
        return state

    def _write_text(self, text: str) -> bytes:
        if not text:
            self._next("text")
            return b""
        if self._state == "text":
            return self._delta_head + _encode(text) + _DELTA_END
        opening = self._leave_block("text") + self._enter_block(_EMPTY_TEXT, b"text_delta", b"text")
        return opening + self._delta_head + _encode(text) + _DELTA_END

    def _write_thinking(self, text: str) -> bytes:
        opening = b""
        if self._state != "thinking":
            self._next("thinking")
            if text:
                opening = self._leave_block("thinking")
                opening += self._enter_block(_EMPTY_THINKING, b"thinking_delta", b"thinking")
                self._digest = hashlib.sha256()
        self._digest.update(text.encode())
        return opening + self._delta_head + _encode(text) + _DELTA_END if text else b""

    def _write_signature(self, signature: str) -> bytes:
        """Write the model server's own signature instead of ours, and so end the block."""
        opening = b""
        if self._state != "thinking":
            opening = self._leave_block("signature") + self._enter_block(
                _EMPTY_THINKING, b"thinking_delta", b"thinking"
            )
        self._state = self._next("signature")
        return opening + self._close_thinking(signature)

    def _close_thinking(self, signature: str) -> bytes:
        delta = _DELTA % (self._index, b"signature_delta", b"signature")
        return delta + _encode(signature) + _DELTA_END + _STOP % self._index

    def _write_call(self, call: ToolCallStart) -> bytes:
        if call.index != self._calls:
            raise InternalError(f"an answer's stream got call {call.index} where call {self._calls} was due")
        closing = self._leave_block("tool_use")
        self._calls += 1
        self._has_input = self._is_odd = False
        self._held = []
        block = _encode(ToolUseStart(call.id, call.name))
        return closing + self._enter_block(block, b"input_json_delta", b"partial_json")

    def _write_arguments(self, delta: ToolCallDelta) -> bytes:
        if self._state != "tool_use":
            self._next("arguments")
        if delta.index != self._calls - 1:
            raise InternalError(f"an answer's stream got arguments of call {delta.index}, which is not the one open")
        arguments = delta.arguments if self._has_input else self._hold(delta.arguments)
        return self._delta_head + _encode(arguments) + _DELTA_END if arguments else b""

    def _hold(self, arguments: str) -> str:
        """Hold arguments back until they have begun an object; gives all of them then, before that nothing."""
        self._held.append(arguments)
        if self._is_odd or not arguments.strip():
            return ""
        begun = "".join(self._held)
        self._has_input = _OBJECT.match(begun) is not None
        self._is_odd = not self._has_input and begun.strip() != "{"
        return begun if self._has_input else ""

    def _write_held(self) -> bytes:
        """Write the input of a call whose arguments never began as an object."""
        given = input_from_arguments(ToolCall("", "", "".join(self._held)))
        return self._delta_head + _encode(bytes(given).decode()) + _DELTA_END

    def _write_end(self, usage: Usage) -> bytes:
        self._state = self._next("usage")
        stop_sequence = self._finish.stop_sequence
        stop = StopFields(stop_reason_from_finish(self._finish.reason, stop_sequence), stop_sequence or None)
        return write_event(b"message_delta", _encode(MessageDelta(stop, fields_from_usage(usage))))

    def _enter_block(self, block: bytes, delta_kind: bytes, delta_field: bytes) -> bytes:
        self._index += 1
        self._delta_head = _DELTA % (self._index, delta_kind, delta_field)
        return _START % (self._index, block)

    def _leave_block(self, step: _Step) -> bytes:
        """Take a step that ends the open block, if one is."""
        left, self._state = self._state, self._next(step)
        match left:
            case "thinking":
                return self._close_thinking(self._head.sign(self._digest.digest()))
            case "text":
                return _STOP % self._index
            case "tool_use":
                return (b"" if self._has_input else self._write_held()) + _STOP % self._index
            case _:
                return b""
