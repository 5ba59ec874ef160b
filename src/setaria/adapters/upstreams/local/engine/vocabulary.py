"""Vocabulary: text to token ids, and token ids to bytes."""

import msgspec
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

TokenIds = npt.NDArray[np.int32]
"""The tokens of a prompt; as a list they would take nine times the memory, and 128 prompts may wait."""

BREAK = "\ufdd0"
"""A noncharacter that no text may hold: what stands on its two sides is never read as one token."""

_SPACE_MARK = "▁"  # how SentencePiece vocabularies write a space
_BYTE_TOKEN_LENGTH = len("<0x00>")


class Vocabulary:
    """A model's tokenizer; token ids become bytes, for one character may take several tokens.

    `added` are the tokens with a text of their own; those of them that never stand in plain text are `special`.
    """

    def __init__(self, tokenizer_json: bytes) -> None:
        self._tokenizer = Tokenizer.from_buffer(tokenizer_json)
        added = self._tokenizer.get_added_tokens_decoder()
        self.added: dict[int, str] = {token_id: token.content for token_id, token in added.items()}
        self.special = frozenset(
            token_id for token_id, token in added.items() if token.special or token.content.startswith("<")
        )
        self.size: int = self._tokenizer.get_vocab_size()
        self._byte_level = b'"ByteLevel"' in msgspec.json.encode(_decoder(tokenizer_json))
        self._alphabet = _byte_alphabet()
        self._bytes: dict[int, bytes] = {}

    def find(self, text: str) -> int | None:
        """Find the token that is just this text; None when the vocabulary has none."""
        token_id: int | None = self._tokenizer.token_to_id(text)
        return token_id

    def encode(self, text: str) -> list[int]:
        """Read text as token ids; special tokens are recognised, unless a `BREAK` stands within.

        Cost: about 1 us a byte, without the interpreter's lock (only the batch functions let go of it).
        """
        parts = [part for part in text.split(BREAK) if part]
        encodings = self._tokenizer.encode_batch_fast(parts, add_special_tokens=False)
        return [token_id for encoding in encodings for token_id in encoding.ids]

    def bytes_of(self, token_id: int) -> bytes:
        """Give a token's UTF-8 bytes, which may be a part of a character; none for an id that is no token."""
        data = self._bytes.get(token_id)
        if data is None:
            data = self._bytes[token_id] = self._spell(token_id)
        return data

    def _spell(self, token_id: int) -> bytes:
        special = self.added.get(token_id)
        if special is not None:
            return special.encode()
        token: str = self._tokenizer.id_to_token(token_id) or ""
        if self._byte_level:
            return bytes(self._alphabet[character] for character in token if character in self._alphabet)
        if len(token) == _BYTE_TOKEN_LENGTH and token.startswith("<0x"):
            return bytes.fromhex(token[3:5])
        return token.replace(_SPACE_MARK, " ").encode()


def _decoder(tokenizer_json: bytes) -> object:
    """Give the part of a tokenizer's JSON that says how tokens become text."""
    content = msgspec.json.decode(tokenizer_json, type=dict[str, object])
    return content.get("decoder")


def _byte_alphabet() -> dict[str, int]:
    """Map the characters by which byte-level vocabularies write bytes to those bytes.

    Printable Latin-1 characters stand for themselves, the 68 others follow from U+0100 on in the order of their bytes.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(0x100 + index): byte for index, byte in enumerate(others)}
