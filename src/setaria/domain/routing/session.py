"""Session: what tells that two calls belong to one conversation, so that they meet the same warm prefix cache."""

import hashlib
from collections.abc import Mapping

from setaria.core.dialogue import Dialogue, Message, Text

SESSION_HEADERS = ("x-claude-code-session-id", "x-session-id", "x-session-affinity", "session-id", "x-conversation-id")
_FINGERPRINT_BYTES = 16
_MAX_TEXT_CHARACTERS = 4096


def session_from_headers(headers: Mapping[str, str]) -> bytes | None:
    """Give the fingerprint of the session that a client names in a header; None when it names none."""
    for name in SESSION_HEADERS:
        value = headers.get(name)
        if value:
            return _digest(value.encode())
    return None


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
