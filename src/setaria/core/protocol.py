"""Protocol: the names of the protocols that callers may speak, and of the lanes by which they pay."""

from typing import Literal

ProtocolName = Literal["openai_chat", "anthropic_messages"]
Lane = Literal["payg", "plan"]
