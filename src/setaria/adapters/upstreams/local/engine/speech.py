"""Speech: how a model writes what is no plain text: thinking and tool calls.

It is read off the model's own chat template and vocabulary:

    the template names       and these are single tokens      then the model
    `<think>`                `<think>` `</think>`             thinks
    `<function=`             `<tool_call>` `</tool_call>`     calls tools in XML, as MiMo and Qwen3-Coder do
    `<tool_call>` only       `<tool_call>` `</tool_call>`     calls tools in JSON, as Hermes and Qwen3 do
"""

from dataclasses import dataclass
from typing import Literal

from setaria.adapters.upstreams.local.engine.vocabulary import Vocabulary

THINK = "<think>"
THINK_END = "</think>"
CALL = "<tool_call>"
CALL_END = "</tool_call>"
FUNCTION = "<function="
FUNCTION_END = "</function>"
PARAMETER = "<parameter="
PARAMETER_END = "</parameter>"

MARKERS = (THINK, THINK_END, CALL, CALL_END, FUNCTION, FUNCTION_END, PARAMETER, PARAMETER_END)

CallSyntax = Literal["xml", "json", "none"]


@dataclass(frozen=True, slots=True)
class Speech:
    """How one model writes; `marks` are the markers that are one token of its vocabulary, with their ids."""

    thinks: bool
    calls: CallSyntax
    marks: dict[str, int]


def read_speech(template: str, vocabulary: Vocabulary) -> Speech:
    """Tell how a model writes, from its chat template and its vocabulary."""
    added = {text: token_id for token_id, text in vocabulary.added.items()}
    marks = {marker: added[marker] for marker in MARKERS if marker in added}
    thinks = THINK in template and THINK in marks and THINK_END in marks
    may_call = CALL in template and CALL in marks and CALL_END in marks
    calls: CallSyntax = "none"
    if may_call:
        calls = "xml" if FUNCTION in template else "json"
    return Speech(thinks, calls, marks)
