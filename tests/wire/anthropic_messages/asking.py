"""Asking: what these tests ask with, and the head of what is answered."""

import json

from setaria.core.dialogue import Block, Dialogue
from setaria.core.ids import CallId
from setaria.core.traits import Recommended, Traits
from setaria.wire.anthropic_messages import AnthropicMessages
from setaria.wire.codec import AnswerHead, Codec

CODEC = AnthropicMessages()
AS_CODEC: Codec = CODEC  # so that mypy holds it to the port
TRAITS = Traits(
    context_tokens=1_048_576,
    max_output_tokens=131_072,
    default_output_tokens=32_768,
    capabilities=frozenset({"tools", "thinking", "json", "image"}),
    recommended=Recommended(temperature=0.7, top_p=0.9),
)
PLAIN_TRAITS = Traits(
    context_tokens=8192,
    max_output_tokens=1024,
    default_output_tokens=512,
    capabilities=frozenset({"json"}),
)
CALL_ID = CallId("0192f0c1a2b37c4d8e5f60718293a4b5")
QUESTION = {"role": "user", "content": "What is Setaria?"}
TOOL = {"name": "read", "description": "Read a file.", "input_schema": {"type": "object"}}


def ask(fields: object, traits: Traits = TRAITS) -> Dialogue:
    """Read a request of exactly these fields."""
    return CODEC.read_dialogue(CODEC.read_envelope(json.dumps(fields).encode()), traits)


def ask_with(traits: Traits = TRAITS, /, **fields: object) -> Dialogue:
    """Read a good request with these fields in place of its own."""
    return ask({"model": "seedling", "messages": [QUESTION]} | fields, traits)


def count_with(**fields: object) -> Dialogue:
    """Read a good request to count with these fields in place of its own."""
    body = json.dumps({"model": "seedling", "messages": [QUESTION]} | fields).encode()
    return CODEC.read_count_request(CODEC.read_envelope(body), TRAITS)


def blocks_of(role: str, *blocks: object) -> tuple[Block, ...]:
    """Read one message of these blocks and give what it was read as."""
    (message,) = ask_with(messages=[{"role": role, "content": list(blocks)}]).messages
    return message.blocks


def sign(digest: bytes) -> str:
    """Sign so that a test can say what the signature must be."""
    return f"signed-{digest.hex()}"


HEAD = AnswerHead(CALL_ID, "seedling", 1_790_000_000_000, 17, sign)
