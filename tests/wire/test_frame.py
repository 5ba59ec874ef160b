"""Frame: what each protocol's stream puts around a text is what it writes around it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from setaria.core.ids import CallId
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.codec import AnthropicMessages
from setaria.wire.codec import AnswerHead, Codec, StreamWriter
from setaria.wire.openai_chat.codec import OpenAIChat

CODECS: tuple[Codec, ...] = (OpenAIChat(), AnthropicMessages())
HEAD = AnswerHead(CallId("call_1"), "seedling", 0, 1, lambda digest: digest.hex())
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
STEPS = st.lists(st.tuples(st.sampled_from(["text", "thought", "signature", "call", "input"]), TEXTS), max_size=12)


def events_of(steps: list[tuple[str, str]]) -> list[Event]:
    """Put steps in a legal order: arguments come for the call just begun."""
    events: list[Event] = []
    calls = 0
    for kind, text in steps:
        match kind:
            case "text":
                events.append(TextDelta(text))
            case "thought":
                events.append(ReasoningDelta(text))
            case "signature":
                events.append(ReasoningSignature(text))
            case "call":
                events.append(ToolCallStart(calls, f"id_{calls}", "look"))
                calls += 1
            case _ if events and isinstance(events[-1], ToolCallStart | ToolCallDelta):
                events.append(ToolCallDelta(calls - 1, text))
            case _:
                pass
    return [*events, Finish("stop"), UsageReport(Usage(), "estimate")]


def show(stream: StreamWriter, event: Event) -> bytes:
    """Show an event in its frame where it has one, else write it."""
    if not isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
        return stream.write(event)
    frame = stream.frame(event)
    if frame is None:
        return stream.write(event)
    assert frame.is_thought == isinstance(event, ReasoningDelta)
    text = event.arguments if isinstance(event, ToolCallDelta) else event.text
    return frame.show(msgspec.json.encode(text), text)


@pytest.mark.parametrize("codec", CODECS)
@given(STEPS)
def test_a_frame_shows_what_would_be_written(codec: Codec, steps: list[tuple[str, str]]) -> None:
    """A stream that shows all it can in frames is the same as one that writes all, up to its signatures."""
    framed, written = codec.open_stream(HEAD), codec.open_stream(HEAD)
    for each in (framed, written):
        each.open()
    for event in events_of(steps):
        assert show(framed, event) == written.write(event)
    assert framed.close() == written.close()


@pytest.mark.parametrize("said", [TextDelta("a"), ReasoningDelta("a"), ToolCallDelta(0, "a")])
def test_a_block_that_is_not_open_has_no_frame(said: Saying) -> None:
    """A delta for another block than the open one, or for a call of which nothing was seen yet, writes more."""
    stream = AnthropicMessages().open_stream(HEAD)
    stream.open()
    assert stream.frame(said) is None
    stream.write(ToolCallStart(0, "id_0", "look"))
    assert stream.frame(said) is None
    stream.write(ToolCallDelta(0, "{}"))
    assert (stream.frame(said) is not None) == isinstance(said, ToolCallDelta)
    assert stream.frame(ToolCallDelta(1, "")) is None
