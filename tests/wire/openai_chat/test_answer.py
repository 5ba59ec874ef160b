"""Answer: a whole answer in exactly the documented form."""

import msgspec
import pytest
from openai.types.chat import ChatCompletion

from setaria.core.answer import Answer
from setaria.core.dialogue import ToolCall
from setaria.core.events import FinishReason
from setaria.core.usage import Usage
from setaria.wire.openai_chat import OpenAIChat
from tests.wire.openai_chat.telling import CALL_ID, HEAD, USAGE, USAGE_SHAPE


def write(**fields: object) -> dict[str, object]:
    """Write an answer with these fields and read its JSON back."""
    answer = {"reasoning": "", "text": "", "tool_calls": (), "finish": "stop", "usage": USAGE, **fields}
    body = OpenAIChat().write_answer(HEAD, msgspec.convert(answer, Answer))
    ChatCompletion.model_validate_json(body, strict=True)
    return msgspec.json.decode(body)


def test_an_answer_with_reasoning() -> None:
    """Reasoning stands beside the content, the absence of tool calls is an explicit null."""
    assert write(reasoning="Hm.", text="Millet. 谷子") == {
        "id": CALL_ID,
        "object": "chat.completion",
        "created": 1781233054,
        "model": "seedling",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": "Millet. 谷子",
                    "reasoning_content": "Hm.",
                    "tool_calls": None,
                },
            }
        ],
        "usage": USAGE_SHAPE,
    }


def test_without_reasoning_the_key_is_absent() -> None:
    """An answer that came without thinking has no `reasoning_content`."""
    answer = write(text="Millet.")
    assert answer["choices"] == [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Millet.", "tool_calls": None},
        }
    ]


def test_an_answer_with_tool_calls() -> None:
    """With tool calls the content is an empty string, not null."""
    calls = (ToolCall("call_1", "read", '{"path": "a"}'), ToolCall("call_2", "list", ""))
    answer = write(tool_calls=calls, finish="tool_calls")
    assert answer["choices"] == [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "read", "arguments": '{"path": "a"}'},
                    },
                    {"id": "call_2", "type": "function", "function": {"name": "list", "arguments": ""}},
                ],
            },
        }
    ]


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter"])
def test_the_finish_reasons(reason: FinishReason) -> None:
    """Each reason is told by the protocol's own name, which is ours."""
    choices = write(finish=reason)["choices"]
    assert isinstance(choices, list)
    assert choices[0]["finish_reason"] == reason


def test_a_repetition_is_told() -> None:
    """The platform's own reason, which the official SDK does not know, is told as it is."""
    answer = Answer("", "la la", (), "repetition_truncation", USAGE)
    assert b'"finish_reason":"repetition_truncation"' in OpenAIChat().write_answer(HEAD, answer)


def test_an_answer_that_took_nothing() -> None:
    """Usage is told even when there was none."""
    assert write(usage=Usage())["usage"] == {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "completion_tokens_details": {"reasoning_tokens": 0},
        "prompt_tokens_details": {"cached_tokens": 0},
    }
