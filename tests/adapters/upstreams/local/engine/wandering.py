"""Wandering: answers drawn by chance from whatever a guide allows, as the wildest of models would."""

import random

import numpy as np

from setaria.adapters.upstreams.local.engine.guide import Guides, hide_masked
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.core.dialogue import Dialogue, Message, Sampling, Text, Tool, ToolCall
from setaria.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart
from setaria.wire.dialects.reader import DialectReader

LIMIT_TOKENS = 2_000


def wander(model: LocalModel, dialogue: Dialogue, seed: int, guides: Guides | None = None) -> tuple[str, bool]:
    """Draw an answer with a liking for marks and the end; gives its text and whether it ended by itself."""
    rng = random.Random(seed)
    guide = (guides or Guides(model)).open(dialogue, inside_thinking=False)
    output = b""
    for _ in range(LIMIT_TOKENS):
        if guide.is_over:
            return output.decode("utf-8"), True
        logits = np.zeros((1, model.vocabulary.size), dtype=np.float32)
        hide_masked(logits, [guide])
        allowed: list[int] = np.flatnonzero(np.isfinite(logits[0])).tolist()
        eager = [
            token for token in allowed if token in model.vocabulary.special or b'"' in model.vocabulary.bytes_of(token)
        ]
        token = rng.choice(eager if eager and rng.random() < 0.3 else allowed)
        if token in model.end_ids:
            return output.decode("utf-8"), True
        guide.take(token)
        output += model.vocabulary.bytes_of(token)
    return output.decode("utf-8", "ignore"), False


def read(dialogue: Dialogue, output: str, *, ended: bool) -> list[Event]:
    """Read an output as the worker does."""
    tools = () if dialogue.tool_choice.mode == "none" else dialogue.tools
    reader = DialectReader(
        tools, thinking=dialogue.thinks_first, inside_thinking=False, inside_answer=dialogue.continues
    )
    return reader.feed(output) + (reader.close() if ended else reader.cut())


def calls_of(events: list[Event]) -> list[ToolCall]:
    """Put the calls of an answer together."""
    names = {event.index: event.name for event in events if isinstance(event, ToolCallStart)}
    arguments = {
        index: "".join(event.arguments for event in events if isinstance(event, ToolCallDelta) and event.index == index)
        for index in names
    }
    return [ToolCall("", names[index], arguments[index]) for index in names]


def text_of(events: list[Event]) -> str:
    """Give the text of an answer."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def reasoning_of(events: list[Event]) -> str:
    """Give what was thought."""
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def asking(*tools: Tool, thinking: bool = False) -> Dialogue:
    """Make a dialogue that offers tools."""
    return Dialogue((Message("user", (Text("Go"),)),), thinking, 64, Sampling(0.0, 1.0), tools)
