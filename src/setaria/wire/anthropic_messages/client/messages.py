"""Messages: leaves out of a caller's messages what the server would refuse, and keeps the others as they came."""

import msgspec

from setaria.core.dialogue import Dialogue, Reasoning
from setaria.wire.anthropic_messages.client.thoughts import is_refused
from setaria.wire.fields import is_list, optional_string, read_list, read_object, required_string
from setaria.wire.upstream_codec import Manner

_THINKING = "thinking"

_encode = msgspec.json.Encoder().encode


def has_refused_thoughts(dialogue: Dialogue, manner: Manner) -> bool:
    """Tell whether a dialogue holds thinking over which the server would refuse the request."""
    return any(
        isinstance(block, Reasoning) and is_refused(block, manner)
        for message in dialogue.messages
        if message.role == "assistant"
        for block in message.blocks
    )


def leave_out_thoughts(raw: msgspec.Raw, manner: Manner) -> list[msgspec.Raw]:
    """Give the messages without such thinking, and without those of which nothing is left."""
    return [kept for item in read_list(raw, "messages") if (kept := _leave_out_thoughts(item, manner)) is not None]


def _leave_out_thoughts(item: msgspec.Raw, manner: Manner) -> msgspec.Raw | None:
    fields = read_object(item, "messages")
    content = fields["content"]
    if not is_list(content):
        return item
    blocks = read_list(content, "messages.content")
    kept = [block for block in blocks if not _is_refused(block, manner)]
    if len(kept) == len(blocks):
        return item
    return msgspec.Raw(_encode(fields | {"content": kept})) if kept else None


def _is_refused(block: msgspec.Raw, manner: Manner) -> bool:
    fields = read_object(block, "messages.content")
    if required_string(fields, "type", "messages.content.type") != _THINKING:
        return False
    return is_refused(Reasoning("", optional_string(fields, "signature", "messages.content.signature")), manner)
