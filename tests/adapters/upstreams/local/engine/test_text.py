"""Tokens as text: characters, markers and stop strings at every border."""

import random

import pytest

from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.text import Place, TextReader

# Byte tokens only: each letter is a token of its own, a Chinese character three and a smiley four.
CASES = [
    ("Hello", (), "Hello", ""),
    ("你好 🦊 naïve", (), "你好 🦊 naïve", ""),
    ("one STOP two", ("STOP",), "one ", "STOP"),
    ("one STO", ("STOP",), "one STO", ""),
    ("STSTOP", ("STOP",), "ST", "STOP"),
    ("abcd", ("abcd", "bc"), "a", "bc"),
    ("xabc", ("bc", "abc"), "x", "abc"),
    ("a你好b", ("好",), "a你", "好"),
    ("aXb", ("",), "aXb", ""),
    ("<think>END</think>no END", ("END",), "<think>END</think>no ", "END"),
    ("<tool_call>END</tool_call>END", ("END",), "<tool_call>END</tool_call>", "END"),
    ("hold EN<tool_call>D</tool_call>", ("END",), "hold EN<tool_call>D</tool_call>", ""),
]


def byte_tokens(model: LocalModel, text: str) -> list[int]:
    """Write a text with special tokens and single bytes."""
    by_bytes = {model.vocabulary.bytes_of(token_id): token_id for token_id in range(15, 271)}
    tokens: list[int] = []
    while text:
        special = next((one for one in model.vocabulary.added.values() if text.startswith(one)), "")
        found = model.vocabulary.find(special) if special else None
        piece = special or text[0]
        tokens += [by_bytes[bytes([byte])] for byte in piece.encode()] if found is None else [found]
        text = text[len(piece) :]
    return tokens


def read(model: LocalModel, tokens: list[int], stop: tuple[str, ...], place: Place = "answer") -> tuple[str, str]:
    """Read tokens up to the stop string and give text and stop string."""
    reader = TextReader(model.vocabulary, stop, place)
    text = ""
    for token in tokens:
        text += reader.feed(token)
        if reader.stop_sequence:
            return text, reader.stop_sequence
    return text + reader.close(), ""


@pytest.mark.parametrize("text,stop,expected,stopped_by", CASES)
def test_byte_by_byte(model: LocalModel, text: str, stop: tuple[str, ...], expected: str, stopped_by: str) -> None:
    """Text comes out whole however many tokens a character takes, and a stop string ends the answer's text only."""
    assert read(model, byte_tokens(model, text), stop) == (expected, stopped_by)


@pytest.mark.parametrize("text,stop,expected,stopped_by", CASES)
def test_as_the_tokenizer_splits(
    model: LocalModel, text: str, stop: tuple[str, ...], expected: str, stopped_by: str
) -> None:
    """Longer tokens give the same; of the stop strings in one token the one that is whole first counts."""
    assert read(model, model.vocabulary.encode(text), stop) == (expected, stopped_by)


@pytest.mark.parametrize("seed", range(20))
def test_random_tokens_give_what_all_bytes_give(model: LocalModel, seed: int) -> None:
    """Any tokens, even those that are no UTF-8, come out as the whole byte string does; only a cut end is dropped."""
    tokens = random.Random(seed).choices(range(15, 2048), k=200)
    whole = b"".join(map(model.vocabulary.bytes_of, tokens)) + b"."
    text, _ = read(model, [*tokens, *byte_tokens(model, ".")], ())
    assert text == whole.decode("utf-8", "replace")


def test_a_cut_character_is_dropped(model: LocalModel) -> None:
    """An answer that ends within a character ends before it."""
    assert read(model, byte_tokens(model, "ab🦊")[:-1], ()) == ("ab", "")


def test_output_may_start_inside_thinking(model: LocalModel) -> None:
    """Where the prompt opened the think block, stop strings count only after its end."""
    tokens = byte_tokens(model, "a END b</think>c END d")
    assert read(model, tokens, ("END",), "thinking") == ("a END b</think>c ", "END")
