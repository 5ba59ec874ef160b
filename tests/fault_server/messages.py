"""Messages: the fault server's answers in the Anthropic Messages protocol."""

import json
from collections.abc import Iterator

from tests.fault_server.said import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Said
from tests.fault_server.scenario import Scenario

ERROR = {"type": "error", "error": {"type": "api_error", "message": "the engine has crashed"}}
SIGNATURE = "c2lnbmF0dXJl"
OVERFLOW = "prompt is too long: 1200 tokens > 1000 maximum"

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def messages_usage(scenario: Scenario) -> dict[str, object]:
    """Write the usage, as odd as it is to be."""
    sign = -1 if scenario.usage == "negative" else 1
    return {
        "input_tokens": (INPUT_TOKENS - CACHED_TOKENS) * sign,
        "cache_read_input_tokens": CACHED_TOKENS,
        "cache_creation_input_tokens": 0,
        "output_tokens": float(OUTPUT_TOKENS) if scenario.usage == "float" else OUTPUT_TOKENS * sign,
    }


def messages_events(said: Said, scenario: Scenario, model: str) -> Iterator[tuple[str, str]]:
    """Give the events of a stream, each as its name and its data."""

    def event(kind: str, **more: object) -> tuple[str, str]:
        return kind, json.dumps({"type": kind, **more}, ensure_ascii=False)

    has_usage = scenario.usage != "missing"
    message = _message(model, [], None)
    if has_usage:
        message["usage"] = {**messages_usage(scenario), "output_tokens": 1}
    yield event("message_start", message=message)
    yield event("ping")
    for index, (start, deltas) in enumerate(_blocks(said)):
        shown = 0 if scenario.same_index else index
        yield event("content_block_start", index=shown, content_block=start)
        for delta in deltas:
            yield event("content_block_delta", index=shown, delta=delta)
        yield event("content_block_stop", index=shown)
    if scenario.unfinished:
        return
    delta = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
    usage = {"usage": messages_usage(scenario)} if has_usage else {}
    for _ in range(2 if scenario.usage == "double" else 1):
        yield event("message_delta", delta=delta, **usage)
    yield event("message_stop")


def messages_answer(said: Said, scenario: Scenario, model: str) -> dict[str, object]:
    """Give a whole answer."""
    content: list[dict[str, object]] = []
    if said.thought:
        content.append({"type": "thinking", "thinking": "".join(said.thought), "signature": SIGNATURE})
    if said.text:
        content.append({"type": "text", "text": "".join(said.text)})
    content += [
        {"type": "tool_use", "id": call_id, "name": name, "input": json.loads(arguments)}
        for call_id, name, arguments in said.calls
    ]
    answer = _message(model, content, "tool_use" if said.calls else "end_turn")
    return answer if scenario.usage == "missing" else {**answer, "usage": messages_usage(scenario)}


def messages_error(status: int, *, is_overflow: bool) -> dict[str, object]:
    """Give the body of an error status."""
    words = OVERFLOW if is_overflow else f"refused with {status}"
    return {"type": "error", "error": {"type": _TYPES.get(status, "api_error"), "message": words}}


def _message(model: str, content: list[dict[str, object]], stop_reason: str | None) -> dict[str, object]:
    head = {"id": "msg_fault", "type": "message", "role": "assistant", "model": model}
    return {**head, "content": content, "stop_reason": stop_reason, "stop_sequence": None}


def _blocks(said: Said) -> Iterator[tuple[dict[str, object], list[dict[str, object]]]]:
    if said.thought:
        deltas: list[dict[str, object]] = [{"type": "thinking_delta", "thinking": piece} for piece in said.thought]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if said.text:
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in said.text]
    for call_id, name, arguments in said.calls:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in (arguments[:6], arguments[6:])]
        yield {"type": "tool_use", "id": call_id, "name": name, "input": {}}, deltas
