"""Token estimate: how many tokens a text will about be, where no tokenizer is asked."""

_BYTES_PER_TOKEN = 4
MESSAGE_OVERHEAD_TOKENS = 4
"""What the markers around one message cost."""
ONE_TOKEN_CHARACTERS = 16
"""Up to so many are one token, where they come as one piece of a stream."""


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text: a quarter of its UTF-8 bytes, rounded up.

    A Latin letter is one byte and a Chinese character three, so English comes to about four characters a token and
    Chinese to about one and a third, which is near what public tokenizers give.
    Example: 10 bytes are estimated as 3 tokens; an empty text as 0.
    """
    size_bytes = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size_bytes // _BYTES_PER_TOKEN)


def estimate_piece(text: str) -> int:
    """Estimate the tokens of one piece of a stream: most servers send one token each, some pack several."""
    return 1 if len(text) <= ONE_TOKEN_CHARACTERS else estimate_tokens(text)
