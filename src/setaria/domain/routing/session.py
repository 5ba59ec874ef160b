"""Session: what tells that two calls belong to one conversation, so that they meet the same warm prefix cache."""

import hashlib

from setaria.core.dialogue import Dialogue, Message, Text

SESSION_HEADERS = frozenset(
    {b"x-claude-code-session-id", b"x-session-id", b"x-session-affinity", b"session-id", b"x-conversation-id"}
)
"""Headers in which known clients name their session, in lower case."""

_FINGERPRINT_BYTES = 16
_MAX_TEXT_CHARACTERS = 4096


def session_from_header(value: bytes) -> bytes | None:
    """Give the fingerprint of the session that a client names in a header; None when the header is empty."""
    return _digest(value) if value else None


def session_from_dialogue(dialogue: Dialogue) -> bytes | None:
    """Give a fingerprint of system text and first user message; None when there is no user text to tell callers apart.

    Text alone counts: marks for caches move from turn to turn, and a system prompt may change its form.
    """
    first_user = next((message for message in dialogue.messages if message.role == "user"), None)
    words = _text_of(first_user) if first_user is not None else ""
    if not words:
        return None
    system = "".join(_text_of(message) for message in dialogue.messages if message.role == "system")
    return _digest(f"{system[:_MAX_TEXT_CHARACTERS]}\0{words[:_MAX_TEXT_CHARACTERS]}".encode())


def _text_of(message: Message) -> str:
    return "".join(block.text for block in message.blocks if isinstance(block, Text))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_FINGERPRINT_BYTES).digest()
