"""Recordings: requests of real clients, recorded on the wire, are read whole.

Source: Claude Code 2.1.330, Cline 3.0.65, Hermes Agent 0.19.0, Kilo Code 7.7.7, OpenCode 1.18.33 and the Python SDK,
LangChain among its users, recorded in November 2026; texts replaced by filler, tools left out where alike.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from setaria.core.dialogue import Dialogue, Message, Reasoning, Text, ToolCall, ToolResult
from tests.wire.anthropic_messages.asking import CODEC, TRAITS

FILE = Path(__file__).parents[2] / "data" / "recordings" / "anthropic_requests.jsonl"
RECORDINGS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text().splitlines()]  # JSON as it came


def read(recording: dict[str, Any]) -> Dialogue:  # JSON as it came
    """Read a recorded request by its path."""
    envelope = CODEC.read_envelope(json.dumps(recording["body"]).encode())
    if "count_tokens" in recording["path"]:
        return CODEC.read_count_request(envelope, TRAITS)
    return CODEC.read_dialogue(envelope, TRAITS)


def count(message: dict[str, Any]) -> int:  # JSON as it came
    """Count the blocks that a message must be read as: all but the line of Claude Code for its maker's servers."""
    content = message["content"]
    if isinstance(content, str):
        return 1
    return len([block for block in content if not block.get("text", "").startswith("x-anthropic-billing-header:")])


@pytest.mark.parametrize("recording", RECORDINGS, ids=[f"{at}-{one['client']}" for at, one in enumerate(RECORDINGS)])
def test_recorded_requests_are_read(recording: dict[str, Any]) -> None:  # JSON as it came
    """Each block, each tool of the caller's own and the limit of a recorded request are there after reading."""
    body = recording["body"]
    dialogue = read(recording)
    turns = [turn for turn in dialogue.messages if turn.blocks]
    system = [{"content": body["system"]}] if body.get("system") else []
    assert sum(map(count, system + body["messages"])) == sum(len(turn.blocks) for turn in turns)
    own = [tool["name"] for tool in body.get("tools", []) if tool.get("type", "custom") == "custom"]
    assert own == [tool.name for tool in dialogue.tools]
    assert body.get("max_tokens", TRAITS.default_output_tokens) == dialogue.max_output_tokens


def test_a_recorded_tool_loop_keeps_its_order() -> None:
    """The second request of Claude Code is read as system, question, system, thinking with its call, result."""
    dialogue = read(RECORDINGS[1])
    kinds = [(turn.role, *(type(block) for block in turn.blocks)) for turn in dialogue.messages]
    expected = [
        ("system", Text, Text),
        ("user", Text, Text, Text),
        ("system", Text),
        ("assistant", Reasoning, ToolCall),
        ("tool", ToolResult),
    ]
    assert expected == kinds
    call = Message("assistant", (
        Reasoning("(step 0) I should look at the file first.", "c3R1Yi1zaWduYXR1cmU="),
        ToolCall("toolu_db222ba39876427b", "Read", '{"file_path": "/home/dev/project/hello.txt"}'),
    ))  # fmt: skip
    assert call == dialogue.messages[3]
    assert dialogue.thinking
