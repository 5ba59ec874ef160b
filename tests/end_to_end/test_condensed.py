"""Prompts beyond the built-in model's context, as coding agents send them."""

from typing import Any

import pytest

from tests.end_to_end.running import Running

TOOL: dict[str, Any] = {
    "type": "object",
    "properties": {f"option_{number}": {"type": "string", "description": "An option. " * 40} for number in range(4)},
}
SYSTEM = "You are an agent that edits files. " * 700
QUESTION = {"role": "user", "content": "Introduce yourself."}


@pytest.mark.parametrize(
    "path, fields",
    [
        (
            "/v1/chat/completions",
            {
                "messages": [{"role": "system", "content": SYSTEM}, QUESTION],
                "tools": [
                    {"type": "function", "function": {"name": f"tool_{at}", "parameters": TOOL}} for at in range(12)
                ],
            },
        ),
        (
            "/anthropic/v1/messages",
            {
                "system": SYSTEM,
                "messages": [QUESTION],
                "tools": [{"name": f"tool_{at}", "input_schema": TOOL} for at in range(12)],
            },
        ),
    ],
)
def test_an_agents_prompt_gets_a_whole_answer(platform: Running, path: str, fields: dict[str, Any]) -> None:
    """A prompt of 48 KB is read condensed, counted as it was read, and has all the room for its answer."""
    answer = platform.post(path, {"model": "seedling", "max_tokens": 100, **fields})
    usage = answer["usage"]
    read = usage.get("prompt_tokens") or usage["input_tokens"] + usage["cache_read_input_tokens"]
    written = usage.get("completion_tokens") or usage["output_tokens"]
    assert (300 < read <= 1_024, written > 5) == (True, True), usage
