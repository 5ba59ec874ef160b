"""Asking: the models and requests that the tests of Chat Completions share."""

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.traits import Recommended, Traits
from setaria.wire.openai_chat import OpenAIChat

CAPABLE = Traits(
    context_tokens=1_048_576,
    max_output_tokens=131_072,
    default_output_tokens=32_768,
    capabilities=frozenset({"tools", "thinking", "json", "search", "image", "audio", "video"}),
)
PLAIN = Traits(
    context_tokens=8192,
    max_output_tokens=2048,
    default_output_tokens=1024,
    capabilities=frozenset(),
    recommended=Recommended(temperature=0.3),
)
HELLO = {"role": "user", "content": "Hello"}


def read_json(body: bytes, traits: Traits = CAPABLE) -> Dialogue:
    """Read a body as the gateway does, in both steps."""
    codec = OpenAIChat()
    return codec.read_dialogue(codec.read_envelope(body), traits)


def read(traits: Traits = CAPABLE, /, **fields: object) -> Dialogue:
    """Read a request for a greeting with these fields beside, or instead of, its own."""
    return read_json(msgspec.json.encode({"model": "seedling", "messages": [HELLO], **fields}), traits)


def tool(name: str, **fields: object) -> dict[str, object]:
    """Make an entry of `tools`."""
    return {"type": "function", "function": {"name": name, **fields}}
