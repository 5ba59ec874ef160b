"""Turns: how long a conversation may be."""

import msgspec
import pytest

from setaria.core.errors import InvalidRequest
from setaria.wire.turns import MOST_MESSAGES, read_turns


def fields(count: int) -> dict[str, msgspec.Raw]:
    """Write a request with so many messages."""
    return {"messages": msgspec.Raw(b"[" + b",".join([b"{}"] * count) + b"]")}


def test_the_longest_conversation() -> None:
    """100,000 messages are read, one more is refused by name and number."""
    assert len(read_turns(fields(MOST_MESSAGES))) == MOST_MESSAGES
    with pytest.raises(InvalidRequest, match="messages has 100001 entries; at most 100000 are allowed") as refusal:
        read_turns(fields(MOST_MESSAGES + 1))
    assert refusal.value.param == "messages"
