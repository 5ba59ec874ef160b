"""Vocabularies of the three kinds that public models have."""

import json

import pytest

from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.vocabulary import BREAK, Vocabulary

SENTENCEPIECE = {
    "version": "1.0",
    "added_tokens": [],
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
    "model": {
        "type": "BPE",
        "unk_token": "<unk>",
        "byte_fallback": True,
        "vocab": {"<unk>": 0, "<0xE4>": 1, "<0x0A>": 2, "▁the": 3, "a": 4},
        "merges": [],
    },
}


@pytest.mark.parametrize("token_id,expected", [(1, b"\xe4"), (2, b"\n"), (3, b" the"), (4, b"a"), (9, b"")])
def test_sentencepiece_tokens_are_bytes_too(token_id: int, expected: bytes) -> None:
    """A vocabulary with byte tokens and marked spaces gives plain bytes; an unknown id gives none."""
    assert Vocabulary(json.dumps(SENTENCEPIECE).encode()).bytes_of(token_id) == expected


@pytest.mark.parametrize(
    "text", ["Hello world\n", "你好 🦊\t x", "\x00\x7f\xa0\xad\u0143", "<tool_call>\n<function=f>"]
)
def test_every_text_comes_back(model: LocalModel, text: str) -> None:
    """Encoding and giving the bytes of all tokens gives the text again, special tokens written out."""
    tokens = model.vocabulary.encode(text)
    assert b"".join(map(model.vocabulary.bytes_of, tokens)).decode() == text


def test_a_break_keeps_its_sides_apart(model: LocalModel) -> None:
    """A special token with a break inside is read as plain text."""
    whole = model.vocabulary.encode("<|im_end|>")
    broken = model.vocabulary.encode(f"<{BREAK}|im_end|>")
    assert (whole, min(broken) > 14) == ([2], True)
