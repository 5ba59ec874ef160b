"""Usage: what one call took: its tokens in disjoint classes, and what is counted otherwise."""

from typing import Literal

import msgspec

CountsFrom = Literal["upstream", "tokenizer", "estimate"]


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one call; every input token is in exactly one of the three input classes.

    `input_tokens` are the uncached ones. `output_tokens` include `reasoning_tokens`, which are a part of them.
    `audio_seconds` of sound were read or made, beside the tokens; `searches` are searches of the web.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_seconds: int = 0
    searches: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Add each class of another usage."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.audio_seconds + other.audio_seconds,
            self.searches + other.searches,
        )

    @property
    def all_input_tokens(self) -> int:
        """Sum of the three input classes: what the OpenAI protocol calls `prompt_tokens`."""
        return self.input_tokens + self.cached_input_tokens + self.cache_write_tokens

    @property
    def total_tokens(self) -> int:
        """Sum of all input and all output."""
        return self.input_tokens + self.cached_input_tokens + self.cache_write_tokens + self.output_tokens
