"""Said: estimates the output tokens of what a model server says."""

from setaria.core.tokens import estimate_piece, estimate_tokens
from setaria.wire.openai_chat.client.calls import read_arguments
from setaria.wire.openai_chat.client.chunk import CallPiece, Delta


def estimate_delta(delta: Delta) -> int:
    """Estimate the tokens of one piece of a stream; 0 where it says nothing."""
    said = delta.content or delta.thought or delta.refusal
    if said:
        return estimate_piece(said)
    calls = delta.calls
    return sum(map(_estimate_call, calls)) if calls else 0


def estimate_message(message: Delta) -> int:
    """Estimate the tokens of a whole message."""
    if not (
        message.reasoning_content or message.reasoning or message.refusal or message.tool_calls or message.function_call
    ):
        return estimate_tokens(message.content or "")
    tokens = estimate_tokens(message.thought) + estimate_tokens((message.content or "") + (message.refusal or ""))
    for piece in message.calls:
        if piece.function is not None:
            tokens += estimate_tokens(piece.function.name or "") + len(piece.function.arguments) // 4
    return tokens


def _estimate_call(piece: CallPiece) -> int:
    return estimate_piece(read_arguments(piece.function.arguments) if piece.function is not None else "")
