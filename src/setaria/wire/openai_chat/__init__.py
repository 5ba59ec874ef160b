"""OpenAI Chat Completions: the protocol as a server speaks it to its callers."""

from setaria.wire.openai_chat.codec import OpenAIChat
from setaria.wire.openai_chat.models import write_model, write_models

__all__ = ["OpenAIChat", "write_model", "write_models"]
