"""Events: what a model's answer is made of while it comes in, in terms that belong to no protocol.

Order: reasoning, text and tool calls in any number; then one `Finish`; then one `UsageReport`; then nothing. A
`ToolCallDelta` belongs to the open `ToolCallStart` of the same index.
"""

from typing import Literal

import msgspec

from setaria.core.usage import CountsFrom, Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "repetition_truncation"]


class ReasoningDelta(msgspec.Struct, frozen=True):
    """More of what the model thinks."""

    text: str


class ReasoningSignature(msgspec.Struct, frozen=True):
    """The model server's own mark on what was thought since the last one; it ends that piece of thinking.

    Opaque: a caller that hands the thinking back hands it back with its mark. Servers that hide what they thought give
    the mark alone.
    """

    signature: str


class TextDelta(msgspec.Struct, frozen=True):
    """More of the answer's text."""

    text: str


class ToolCallStart(msgspec.Struct, frozen=True):
    """A tool call begins; `index` counts the calls of this answer from 0."""

    index: int
    id: str
    name: str


class ToolCallDelta(msgspec.Struct, frozen=True):
    """More of the JSON text of the call's arguments."""

    index: int
    arguments: str


class Finish(msgspec.Struct, frozen=True):
    """Why the model stopped; `stop_sequence` is the caller's stop string that ended it, if one did."""

    reason: FinishReason
    stop_sequence: str = ""


class UsageReport(msgspec.Struct, frozen=True):
    """What the call took; without input where the model server told the output alone, for no prompt is empty."""

    usage: Usage
    counts_from: CountsFrom


Saying = ReasoningDelta | TextDelta | ToolCallDelta
Event = ReasoningDelta | ReasoningSignature | TextDelta | ToolCallStart | ToolCallDelta | Finish | UsageReport
