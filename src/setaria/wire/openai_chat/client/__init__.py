"""Client: Chat Completions as we speak it to model servers."""

from setaria.wire.openai_chat.client.codec import OpenAIUpstream

__all__ = ["OpenAIUpstream"]
