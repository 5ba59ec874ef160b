"""Count: writes how many tokens a request would be read as."""

import msgspec

_encode = msgspec.json.Encoder().encode


class CountFields(msgspec.Struct, frozen=True):
    """The tokens of messages, system prompt and tools together."""

    input_tokens: int


def write_count(input_tokens: int) -> bytes:
    """Write the answer to a request to count."""
    return _encode(CountFields(input_tokens))
