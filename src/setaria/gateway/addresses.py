"""Addresses: where callers find each lane."""

import msgspec

from setaria.core.protocol import Lane, ProtocolName

PROTOCOL_PATHS: dict[ProtocolName, str] = {"openai_chat": "/v1", "anthropic_messages": "/anthropic"}


class Addresses(msgspec.Struct, frozen=True):
    """The address of each lane, up to the part that a protocol adds; without a host where none is known."""

    payg: str = ""
    plan: str = "/plan"

    def base_url(self, lane: Lane, protocol: ProtocolName) -> str:
        """Give the base URL that a client is set to, as the protocol's official SDK takes it.

        Example: `https://api.example.org/plan/anthropic`.
        """
        return (self.payg if lane == "payg" else self.plan) + PROTOCOL_PATHS[protocol]
