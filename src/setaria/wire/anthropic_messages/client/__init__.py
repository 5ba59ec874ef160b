"""Client: the Anthropic Messages protocol as it is spoken to model servers."""

from setaria.wire.anthropic_messages.client.codec import AnthropicUpstream

__all__ = ["AnthropicUpstream"]
