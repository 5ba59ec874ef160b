"""Announce: tell the caller in the answer's head what it has left."""

from setaria.core.money import decimal_from_nano
from setaria.gateway.ports import Client
from setaria.gateway.stages import Admitted

PLAN_REMAINING = "x-setaria-plan-remaining"
BALANCE = "x-setaria-balance"

_MILLI = 1000


def announce(admitted: Admitted, client: Client) -> None:
    """Name the whole credits that the call's plan has left, or the money, as this worker knows it; nothing is asked.

    It is what there was before this call was paid.
    """
    left = admitted.hold.known_left("plan")
    if left is not None:
        client.announce(((PLAN_REMAINING, str(max(left, 0) // _MILLI)),))
        return
    left = admitted.hold.known_left("money")
    if left is not None:
        client.announce(((BALANCE, decimal_from_nano(max(left, 0))),))
