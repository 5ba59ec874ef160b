"""Messages: all the shapes in which clients send their turns."""

import msgspec
import pytest

from setaria.core.dialogue import Block, Image, Message, Opaque, Reasoning, Role, Text, ToolCall, ToolResult
from tests.wire.openai_chat.asking import PLAIN, read

CALL = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": '{"path": "a"}'}}
CALLED = ToolCall("call_1", "read", '{"path": "a"}')
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "data:audio/wav;base64,AA=="}}
FILM = {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}, "fps": 2}

MESSAGES: list[tuple[dict[str, object], Role, tuple[Block, ...]]] = [
    ({"role": "system", "content": "Be kind"}, "system", (Text("Be kind"),)),
    ({"role": "developer", "content": "Be kind"}, "system", (Text("Be kind"),)),
    ({"role": "user", "content": None}, "user", ()),
    ({"role": "user"}, "user", ()),
    ({"role": "user", "content": ""}, "user", ()),
    ({"role": "user", "content": []}, "user", ()),
    (
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}, {"type": "text", "text": ""}]},
        "user",
        (Text("a"),),
    ),
    ({"role": "user", "content": [PICTURE]}, "user", (Image(url="https://example.org/a.png"),)),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": "DATA:image/png;base64,AA=="}]},
        "user",
        (Image(url="DATA:image/png;base64,AA=="),),
    ),
    ({"role": "user", "content": [SOUND]}, "user", (Opaque("input_audio", msgspec.json.encode(SOUND)),)),
    ({"role": "user", "content": [FILM]}, "user", (Opaque("video_url", msgspec.json.encode(FILM)),)),
    (
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I can't."}]},
        "assistant",
        (Text("I can't."),),
    ),
    ({"role": "assistant", "content": None, "tool_calls": [CALL]}, "assistant", (CALLED,)),
    ({"role": "assistant", "content": "", "tool_calls": [CALL, CALL]}, "assistant", (CALLED, CALLED)),
    ({"role": "assistant", "tool_calls": [CALL]}, "assistant", (CALLED,)),
    ({"role": "assistant", "content": "Hi", "tool_calls": None}, "assistant", (Text("Hi"),)),
    ({"role": "assistant", "content": "Hi", "tool_calls": []}, "assistant", (Text("Hi"),)),
    (
        {"role": "assistant", "content": "Hi", "reasoning_content": "Hm", "tool_calls": [CALL]},
        "assistant",
        (Reasoning("Hm"), Text("Hi"), CALLED),
    ),
    ({"role": "assistant", "content": "Hi", "reasoning": "Hm"}, "assistant", (Reasoning("Hm"), Text("Hi"))),
    (
        {"role": "assistant", "content": "Hi", "reasoning_content": "A", "reasoning": "B"},
        "assistant",
        (Reasoning("A"), Text("Hi")),
    ),
    ({"role": "assistant", "content": "Hi", "reasoning_content": "", "reasoning": {}}, "assistant", (Text("Hi"),)),
    (
        {"role": "assistant", "refusal": None, "audio": None, "annotations": [], "function_call": None, "content": "a"},
        "assistant",
        (Text("a"),),
    ),
    ({"role": "tool", "tool_call_id": "call1", "content": "ok"}, "tool", (ToolResult("call1", (Text("ok"),)),)),
    ({"role": "tool", "tool_call_id": "call1", "content": None}, "tool", (ToolResult("call1", ()),)),
    (
        {"role": "tool", "tool_call_id": "call1", "content": [{"type": "text", "text": "ok"}, PICTURE]},
        "tool",
        (ToolResult("call1", (Text("ok"), Image(url="https://example.org/a.png"))),),
    ),
]


@pytest.mark.parametrize("message, role, blocks", MESSAGES)
def test_a_message_is_read(message: dict[str, object], role: Role, blocks: tuple[Block, ...]) -> None:
    """Content may be a string, parts, null or absent; reasoning comes first and calls last."""
    assert read(messages=[message]).messages == (Message(role, blocks),)


@pytest.mark.parametrize("role", ["developer", "system", "user", "assistant", "tool"])
def test_every_message_may_have_a_name(role: str) -> None:
    """The name is kept, on tool messages too."""
    message = {"role": role, "content": "a", "name": "ada", "tool_call_id": "c"}
    assert read(messages=[message]).messages[0].name == "ada"


@pytest.mark.parametrize(
    "function, expected",
    [
        ({"arguments": ""}, ""),
        ({"arguments": "{not json"}, "{not json"),
        ({"arguments": {"path": "谷"}}, '{"path":"谷"}'),
        ({"arguments": None}, "{}"),
        ({}, "{}"),
    ],
)
def test_arguments(function: dict[str, object], expected: str) -> None:
    """Arguments are kept as they came, even broken ones; an object is written out, nothing is no arguments."""
    call = {"id": "c", "function": {"name": "f", **function}}
    message = read(messages=[{"role": "assistant", "tool_calls": [call]}]).messages[0]
    assert message.blocks == (ToolCall("c", "f", expected),)


def test_the_order_of_turns_is_free() -> None:
    """Several user turns in a row, a late system turn and an assistant turn at the end are all fine."""
    roles = ["user", "user", "system", "tool", "tool", "user", "assistant"]
    messages = [{"role": role, "content": "a", "tool_call_id": "c"} for role in roles]
    assert [message.role for message in read(messages=messages).messages] == roles


def test_text_needs_no_capability() -> None:
    """The plainest model reads strings and text parts."""
    message = {"role": "user", "content": [{"type": "text", "text": "a"}]}
    assert read(PLAIN, messages=[message]).messages == (Message("user", (Text("a"),)),)
