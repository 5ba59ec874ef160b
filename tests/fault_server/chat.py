"""Chat: the fault server's answers in the Chat Completions protocol."""

import json
from collections.abc import Iterator

from tests.fault_server.said import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Said
from tests.fault_server.scenario import Scenario

ERROR = {"error": {"message": "the engine has crashed", "type": "server_error", "param": None, "code": "500"}}
END = "[DONE]"
OVERFLOW = "This model's maximum context length is 1000 tokens. However, your request has 1200 input tokens."


def chat_usage(scenario: Scenario) -> dict[str, object]:
    """Write the usage, as odd as it is to be."""
    sign = -1 if scenario.usage == "negative" else 1
    output = float(OUTPUT_TOKENS) if scenario.usage == "float" else OUTPUT_TOKENS * sign
    return {
        "prompt_tokens": INPUT_TOKENS * sign,
        "completion_tokens": output,
        "total_tokens": INPUT_TOKENS * sign + output,
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
    }


def chat_events(said: Said, scenario: Scenario, model: str) -> Iterator[tuple[str, str]]:
    """Give the events of a stream, each as its name, which is empty here, and its data."""

    def chunk(delta: dict[str, object] | None, **more: object) -> tuple[str, str]:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": more.pop("finish", None)}]
        head = {"id": "chatcmpl-fault", "object": "chat.completion.chunk", "created": 1, "model": model}
        return "", json.dumps({**head, "choices": choices, **more}, ensure_ascii=False)

    yield chunk({"role": "assistant", "content": ""})
    for piece in said.thought:
        yield chunk({"reasoning_content": piece})
    for piece in said.text:
        yield chunk({"content": piece})
    for number, (call_id, name, arguments) in enumerate(said.calls):
        index = 0 if scenario.same_index else number
        function = {"name": name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})
        for piece in (arguments[:6], arguments[6:]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if scenario.unfinished:
        return
    yield chunk({}, finish="tool_calls" if said.calls else "stop")
    for _ in range({"missing": 0, "double": 2}.get(scenario.usage, 1)):
        yield chunk(None, usage=chat_usage(scenario))
    yield "", END


def chat_answer(said: Said, scenario: Scenario, model: str) -> dict[str, object]:
    """Give a whole answer."""
    message: dict[str, object] = {"role": "assistant", "content": "".join(said.text) or None}
    if said.thought:
        message["reasoning_content"] = "".join(said.thought)
    if said.calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in said.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if said.calls else "stop"}
    answer = {"id": "chatcmpl-fault", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return answer if scenario.usage == "missing" else {**answer, "usage": chat_usage(scenario)}


def chat_error(status: int, *, is_overflow: bool) -> dict[str, object]:
    """Give the body of an error status."""
    words = OVERFLOW if is_overflow else f"refused with {status}"
    return {"error": {"message": words, "type": "server_error", "param": None, "code": str(status)}}
