"""The estimate of how many tokens a dialogue is read as."""

import pytest

from setaria.core.dialogue import (
    Block,
    Dialogue,
    Image,
    Message,
    Opaque,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from setaria.core.estimate import IMAGE_TOKENS, estimate_dialogue
from setaria.core.tokens import estimate_piece, estimate_tokens

MESSAGE = 4
CALL = 8


@pytest.mark.parametrize(
    "text, tokens", [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("你好", 2), ("a" * 400, 100), ("\ud83d", 1)]
)
def test_a_text_is_a_quarter_of_its_bytes(text: str, tokens: int) -> None:
    """Four bytes are a token, rounded up, whatever the script."""
    assert estimate_tokens(text) == tokens


@pytest.mark.parametrize("piece, tokens", [("", 1), ("a" * 16, 1), ("a" * 17, 5)])
def test_a_short_piece_of_a_stream_is_one_token(piece: str, tokens: int) -> None:
    """Most servers send one token a piece; what is too long for one counts as text."""
    assert estimate_piece(piece) == tokens


@pytest.mark.parametrize(
    "block, tokens",
    [
        (Text("abcd"), 1),
        (Reasoning("abcdefgh"), 2),
        (Image(data="A" * 100_000, media_type="image/png"), IMAGE_TOKENS),
        (ToolCall("call_1", "read", '{"a":1}'), CALL + 1 + 2),
        (ToolResult("call_1", (Text("abcd"), Image(url="https://x/y.png"))), CALL + 1 + IMAGE_TOKENS),
        (Opaque("document", b"x" * 40), 10),
        (Opaque("document", b"x" * 1_000_000), IMAGE_TOKENS),
        (Opaque("document", b"x" * 1_000_000, "y" * 40_000), 10_000),
    ],
)
def test_each_kind_of_block_has_its_estimate(block: Block, tokens: int) -> None:
    """Texts count by length, pictures and what nobody understands by a fixed bound, and base64 never counts."""
    dialogue = Dialogue((Message("user", (block,)),), thinking=False, max_output_tokens=1, sampling=Sampling(1.0, 1.0))
    assert estimate_dialogue(dialogue) == MESSAGE + tokens


def test_tools_count() -> None:
    """Name, description and schema of every tool are read by the model."""
    tools = (Tool("read", "Read.", b'{"type":"object"}'), Tool("ls"))
    dialogue = Dialogue((), thinking=False, max_output_tokens=1, sampling=Sampling(1.0, 1.0), tools=tools)
    assert estimate_dialogue(dialogue) == (8 + 1 + 2 + 5) + (8 + 1)
