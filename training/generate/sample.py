"""Sample: one dialogue to learn from, in the terms of `setaria.core.dialogue`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from setaria.core.dialogue import Message, Reasoning, Text, Tool, ToolCall, ToolResult

Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A dialogue whose assistant messages are to be learnt, from the one numbered `learnt_from` on.

    `thinking` says whether those messages think; `kind` names the skill, for counts.
    """

    kind: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    thinking: bool = False
    learnt_from: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One question with its answer and what is thought before it."""

    question: str
    thought: str
    answer: str


def system(text: str) -> Message:
    """Write a system message."""
    return Message("system", (Text(text),))


def user(text: str) -> Message:
    """Write a user's message."""
    return Message("user", (Text(text),))


def answer(text: str, thought: str, *, thinking: bool) -> Message:
    """Write an assistant's message; the thought is left out where the dialogue does not think."""
    return Message("assistant", ((Reasoning(thought),) if thinking else ()) + (Text(text),))


def calls(wanted: Sequence[tuple[str, Mapping[str, Value]]], thought: str, *, thinking: bool) -> Message:
    """Write an assistant's message that calls tools."""
    blocks = tuple(
        ToolCall(f"call_{number}", name, json.dumps(arguments, ensure_ascii=False))
        for number, (name, arguments) in enumerate(wanted)
    )
    return Message("assistant", ((Reasoning(thought),) if thinking else ()) + blocks)


def results(texts: list[str]) -> Message:
    """Write the results of the calls before it."""
    return Message("tool", tuple(ToolResult(f"call_{number}", (Text(text),)) for number, text in enumerate(texts)))


def turns(turns_: list[Turn], *, thinking: bool) -> tuple[Message, ...]:
    """Write questions and answers one after another."""
    messages: list[Message] = []
    for turn in turns_:
        messages += [user(turn.question), answer(turn.answer, turn.thought, thinking=thinking)]
    return tuple(messages)
