"""Progress: follows an answer block by block and tells what it brings.

Theory. The state says how far the answer has come: `unopened`, `open` from `message_start` on (content may come
earlier), `finished` once the model has said why it stopped, `ended` after the message's end. It only ever moves on.
One block at a time is open: a block that begins ends the one before, also where the server forgot to stop that one or
uses a number twice; and text or thinking outside a block of its kind begins one. The input of a call is taken for the
open call only, so that no two calls ever mix. Blocks of other kinds (what the server hides or runs itself) and deltas
of other kinds (citations) bring nothing.

A finished answer is whole: what comes then, but for usage, is passed over, be it an error.
"""

from typing import Literal

from setaria.core.errors import UpstreamFailed
from setaria.core.events import (
    Event,
    ReasoningDelta,
    ReasoningSignature,
    Saying,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.ids import new_tool_call_id
from setaria.core.tokens import estimate_piece
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.errors import read_told_error
from setaria.wire.anthropic_messages.client.finish import finish_from_stop_reason
from setaria.wire.anthropic_messages.client.shapes import ContentBlock, Delta, StreamEvent
from setaria.wire.anthropic_messages.client.usage import (
    ToldUsage,
    merge_first_usage,
    merge_usage,
    name_source,
    usage_from_told,
)
from setaria.wire.impossible_usage import find_impossible

_State = Literal["unopened", "open", "finished", "ended"]

Block = tuple[str, int | None]

_CONTENT = frozenset({"content_block_start", "content_block_delta", "content_block_stop"})
_EMPTY_INPUTS = frozenset({b"", b"{}", b"null"})


class AnswerProgress:
    """Takes the events of one answer.

    `finished`: the model has said why it stopped; `said_tokens`: our own estimate of the output so far.
    """

    def __init__(self) -> None:
        self.said_tokens = 0
        self._state: _State = "unopened"
        self._kind = ""  # of the open block; empty when none is
        self._index: int | None = None
        self._calls = 0
        self._input = b""  # of the open call, given at once
        self._signature: list[str] = []
        self._told = ToldUsage()
        self.doubt = ""

    @property
    def finished(self) -> bool:
        """Tell whether the model has said why it stopped."""
        return self._state in ("finished", "ended")

    @property
    def usage(self) -> Usage | None:
        """The tokens taken so far, the output by our own estimate until it is told; None before the input is told."""
        return usage_from_told(self._told, self.said_tokens)

    @property
    def block(self) -> Block | None:
        """Kind and index of the block that is open, once more of it would only be added; None when none is."""
        return (self._kind, self._index) if self._kind and not self._input else None

    def go_on(self, text: str) -> Event:
        """Take more of what the latest delta brought, which is for the block that is open."""
        self.said_tokens += estimate_piece(text)
        return self.say(text)

    def say(self, text: str) -> Saying:
        """Give the event that says a text in the block that is open."""
        if self._kind == "text":
            return TextDelta(text)
        return ReasoningDelta(text) if self._kind == "thinking" else ToolCallDelta(self._calls - 1, text)

    def take(self, kind: str, event: StreamEvent) -> list[Event]:
        """Take the next event.

        Raises: UpstreamFailed when it may not come now; what `read_told_error` gives when it tells an error.
        """
        if self._state == "ended" or (self._state == "finished" and kind not in ("message_delta", "message_stop")):
            return []
        if kind in _CONTENT:
            return self._take_content(kind, event)
        match kind:
            case "message_start":
                self._start(event)
            case "message_delta":
                return self._take_message_delta(event)
            case "message_stop":
                return self.stop()
            case "error":
                raise read_told_error(event.error)
            case _:
                pass
        return []

    def stop(self) -> list[Event]:
        """Take the news that the message is over; one that gave no reason has simply ended. Harmless after the end."""
        if self._state == "ended":
            return []
        events = [] if self.finished else self._finish("end_turn", None)
        self._state = "ended"
        usage = self.usage
        if usage is not None:
            events.append(UsageReport(usage, name_source(self._told, self.said_tokens)))
        return events

    def _start(self, event: StreamEvent) -> None:
        if self._state != "unopened":
            raise UpstreamFailed("the model server began its message a second time")
        self._state = "open"
        told = event.message.usage if event.message is not None else None
        self._told = merge_first_usage(told)
        self.doubt = find_impossible(told)

    def _take_content(self, kind: str, event: StreamEvent) -> list[Event]:
        if kind == "content_block_delta":
            delta = event.delta or Delta()
            self.said_tokens += estimate_piece(delta.said)
            return self._take_delta(event.index, delta)
        if kind == "content_block_stop":
            return self._leave_block() if event.index in (self._index, None) else []
        return self._leave_block() + self._enter_block(event.index, event.content_block or ContentBlock())

    def _take_delta(self, index: int | None, delta: Delta) -> list[Event]:
        match delta.type:
            case "text_delta" if delta.text:
                return [*self._enter_unless_open("text", index), TextDelta(delta.text)]
            case "thinking_delta" if delta.thinking:
                return [*self._enter_unless_open("thinking", index), ReasoningDelta(delta.thinking)]
            case "signature_delta" if delta.signature and self._kind in ("thinking", ""):
                self._signature.append(delta.signature)
            case "input_json_delta" if delta.partial_json and self._kind in ("tool_use", ""):
                return [self._take_input(index, delta.partial_json)]
            case _:
                pass
        return []

    def _enter_unless_open(self, kind: str, index: int | None) -> list[Event]:
        """Begin a block of this kind unless one is open."""
        if self._kind == kind:
            return []
        events = self._leave_block()
        self._kind, self._index = kind, index
        return events

    def _take_input(self, index: int | None, piece: str) -> ToolCallDelta:
        if not self._kind or index not in (self._index, None):
            raise UpstreamFailed("the model server sent the input of a tool call that is not open")
        self._input = b""
        return ToolCallDelta(self._calls - 1, piece)

    def _enter_block(self, index: int | None, block: ContentBlock) -> list[Event]:
        self._kind, self._index = block.type or "text", index
        match self._kind:
            case "text":
                return [TextDelta(block.text)] if block.text else []
            case "thinking":
                self._signature = [block.signature] if block.signature else []
                return [ReasoningDelta(block.thinking)] if block.thinking else []
            case "tool_use":
                return [self._start_call(block)]
            case _:
                return []

    def _start_call(self, block: ContentBlock) -> ToolCallStart:
        if not block.name:
            raise UpstreamFailed("the model server sent a tool call without the tool's name")
        self._calls += 1
        given = bytes(block.input)
        self._input = b"{}" if given in _EMPTY_INPUTS else given
        return ToolCallStart(self._calls - 1, block.id or new_tool_call_id(), block.name)

    def _leave_block(self) -> list[Event]:
        """End the open block, if one is: tell what came at once, and the signature."""
        events: list[Event] = []
        if self._input:
            events.append(ToolCallDelta(self._calls - 1, self._input.decode()))
        if self._signature:
            events.append(ReasoningSignature("".join(self._signature)))
        self._kind, self._index, self._input, self._signature = "", None, b"", []
        return events

    def _take_message_delta(self, event: StreamEvent) -> list[Event]:
        self._told = merge_usage(self._told, event.usage)
        self.doubt = find_impossible(event.usage) or self.doubt
        reason = event.delta.stop_reason if event.delta is not None else None
        if self.finished or event.delta is None or not reason:
            return []
        return self._finish(reason, event.delta.stop_sequence)

    def _finish(self, reason: str, sequence: str | None) -> list[Event]:
        self._state = "finished"
        return [*self._leave_block(), finish_from_stop_reason(reason, sequence, calls_made=self._calls > 0)]
