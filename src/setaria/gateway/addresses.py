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

    def explain(self, lane: Lane, protocol: ProtocolName) -> str:
        """Say where a key of this lane is good: a path only, where no host is known for it.

        Example: `its base path is /v1, at another host name than https://plan.example.org`.
        """
        url, other = self.base_url(lane, protocol), self.plan if lane == "payg" else self.payg
        if "://" in url:
            return f"its base URL is {url}"
        return f"its base path is {url}" + (f", at another host name than {other}" if "://" in other else "")
