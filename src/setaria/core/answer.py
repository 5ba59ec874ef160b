"""Answer: a whole answer, assembled from its events."""

from typing import assert_never

import msgspec

from setaria.core.dialogue import Reasoning, ToolCall
from setaria.core.events import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.usage import Usage


class Answer(msgspec.Struct, frozen=True):
    """What the model said from first to last.

    `signed` is the reasoning once more, in the pieces that the model server signed; empty when it signed none.
    """

    reasoning: str
    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: FinishReason
    usage: Usage
    stop_sequence: str = ""
    signed: tuple[Reasoning, ...] = ()


class AnswerBuilder:
    """Collects events; `build` gives the answer at any moment, also of one that was cut short."""

    def __init__(self) -> None:
        self._reasoning: list[str] = []
        self._signed: list[Reasoning] = []
        self._unsigned_from = 0
        self._text: list[str] = []
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._finish = Finish("stop")
        self._usage = Usage()

    def add(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case ReasoningSignature(signature):
                self._signed.append(self._unsigned(signature))
                self._unsigned_from = len(self._reasoning)
            case TextDelta(text):
                self._text.append(text)
            case ToolCallStart(index, call_id, name):
                self._calls[index] = (call_id, name, [])
            case ToolCallDelta(index, arguments):
                self._calls[index][2].append(arguments)
            case Finish():
                self._finish = event
            case UsageReport(usage):
                self._usage = usage
            case _:
                assert_never(event)

    def build(self) -> Answer:
        """Give the answer as far as it has come."""
        return Answer(
            reasoning="".join(self._reasoning),
            text="".join(self._text),
            tool_calls=tuple(ToolCall(call_id, name, "".join(parts)) for call_id, name, parts in self._calls.values()),
            finish=self._finish.reason,
            usage=self._usage,
            stop_sequence=self._finish.stop_sequence,
            signed=self._all_signed(),
        )

    def _all_signed(self) -> tuple[Reasoning, ...]:
        """Give the signed pieces, and the rest that has no signature yet, if there is one."""
        rest = self._unsigned("")
        return (*self._signed, rest) if self._signed and rest.text else tuple(self._signed)

    def _unsigned(self, signature: str) -> Reasoning:
        return Reasoning("".join(self._reasoning[self._unsigned_from :]), signature)
