"""Protocol: the names of the protocols that callers may speak."""

from typing import Literal

ProtocolName = Literal["openai_chat", "anthropic_messages"]
