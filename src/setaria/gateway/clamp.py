"""Clamp: keeps what a model may write within the room that the prompt leaves in its context."""

import msgspec

from setaria.core.dialogue import Dialogue

_MARGIN_DIVISOR = 8


def clamp_output(dialogue: Dialogue, input_tokens: int, context_tokens: int) -> Dialogue:
    """Lower the output limit to what is left of the context, for many servers refuse prompt and limit beyond it.

    The prompt counts as its estimate `input_tokens` and an eighth of it, for an estimate may be too low. One token is
    always left, so that a prompt which is too long is refused by the server, in words that name the prompt.
    Example: context 1,000, estimate 400, limit 800: 550. Estimate 900: 1.
    """
    left_tokens = max(1, context_tokens - input_tokens - -(-input_tokens // _MARGIN_DIVISOR))
    if dialogue.max_output_tokens <= left_tokens:
        return dialogue
    return msgspec.structs.replace(dialogue, max_output_tokens=left_tokens)
