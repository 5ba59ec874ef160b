"""Anthropic Messages: the protocol as a server speaks it."""

from setaria.wire.anthropic_messages.codec import AnthropicMessages

__all__ = ["AnthropicMessages"]
