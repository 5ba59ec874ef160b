"""Turns: finds the conversation in a request, as both protocols write it."""

import msgspec

from setaria.core.errors import InvalidRequest
from setaria.wire.fields import Fields, present, read_list

MOST_MESSAGES = 100_000  # as the Messages protocol has it; each costs far more time than its few bytes say

_ALLOWED = "a non-empty array of messages"


def read_turns(fields: Fields) -> list[msgspec.Raw]:
    """Give the entries of `messages`.

    Raises: InvalidRequest when there are none, or too many.
    """
    raw = present(fields, "messages")
    if raw is None:
        raise InvalidRequest(f"messages is missing; it must be {_ALLOWED}", param="messages")
    items = read_list(raw, "messages", _ALLOWED)
    if not items:
        raise InvalidRequest(f"messages must be {_ALLOWED}", param="messages")
    if len(items) > MOST_MESSAGES:
        raise InvalidRequest(
            f"messages has {len(items)} entries; at most {MOST_MESSAGES} are allowed", param="messages"
        )
    return items
