"""Foreign words: what a server says is handed on without what looks like a key."""

import pytest

from setaria.wire.foreign_words import clean_words


@pytest.mark.parametrize(
    "said, handed_on",
    [
        ("", ""),
        ("two\n lines", "two lines"),
        ("a" * 600, "a" * 499 + "…"),
        ("key sk-proj-abcdef12 refused", "key [hidden] refused"),
        ("masked sk-abc***wxyz", "masked [hidden]"),
        ("Authorization: Bearer abc.def", "Authorization: [hidden]"),
        ("http://user:word@host/v1", "http://[hidden]host/v1"),
        ("id 0123456789abcdef0123456789abcdef", "id [hidden]"),
        ("model Qwen3-235B-A22B-Instruct-2507-FP8 is away", "model Qwen3-235B-A22B-Instruct-2507-FP8 is away"),
        ("the task-oriented sky-scraper", "the task-oriented sky-scraper"),
    ],
)
def test_words_are_cleaned(said: str, handed_on: str) -> None:
    """Keys are hidden, lines joined, long texts cut; ordinary words stay."""
    assert clean_words(said) == handed_on
