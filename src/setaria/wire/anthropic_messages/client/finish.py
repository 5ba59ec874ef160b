"""Finish: reads why a model stopped."""

from collections.abc import Mapping

from setaria.core.events import Finish, FinishReason

# The protocol's own words, those of the reference platform, and those of the OpenAI protocol, which some servers forget
# to translate. `pause_turn` asks to go on with the server's own tools, which are never offered.
_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "stop": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "length": "length",
    "tool_use": "tool_calls",
    "tool_calls": "tool_calls",
    "refusal": "content_filter",
    "content_filter": "content_filter",
    "repetition_truncation": "repetition_truncation",
}


def finish_from_stop_reason(reason: str, sequence: str | None, *, calls_made: bool) -> Finish:
    """Read why a model stopped; a word that is not known counts as the end of its turn.

    A turn that ended with calls ended for them, whatever the server calls it.
    """
    meaning = _REASONS.get(reason, "stop")
    if reason == "stop_sequence":
        return Finish("stop", sequence or "")
    return Finish("tool_calls" if meaning == "stop" and calls_made else meaning)
