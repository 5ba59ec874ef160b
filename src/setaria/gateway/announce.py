"""Announce: tell the caller in the answer's head what it has left."""

from setaria.gateway.ports import Client
from setaria.gateway.stages import Admitted

PLAN_REMAINING = "x-setaria-plan-remaining"

_MILLI = 1000


def announce(admitted: Admitted, client: Client) -> None:
    """Name the whole credits that the call's plan has left, as this worker knows it; nothing is asked for it."""
    left = admitted.hold.known_left("plan")
    if left is not None:
        client.announce(((PLAN_REMAINING, str(max(left, 0) // _MILLI)),))
