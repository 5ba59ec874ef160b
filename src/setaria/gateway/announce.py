"""Announce: tell the caller in the answer's head what it has left."""

from setaria.core.money import decimal_from_nano
from setaria.domain.ledger.limit_notice import write_limits
from setaria.gateway.hold import Hold
from setaria.gateway.ports import Client
from setaria.gateway.stages import Admitted

PLAN_REMAINING = "x-setaria-plan-remaining"
BALANCE = "x-setaria-balance"

_MILLI = 1000


def announce(admitted: Admitted, client: Client) -> None:
    """Name what is left of the minute's limits, and of the plan's whole credits or of the money; nothing is asked.

    It is what this worker last knew, before this call was paid.
    Cost: hot path; 3 us.
    """
    hold = admitted.hold
    lines = _write_purse(hold)
    limits = hold.known_limits()
    if limits is not None:
        lines += write_limits(limits)
    if lines:
        client.announce(lines)


def _write_purse(hold: Hold) -> str:
    purse = hold.known_purse()
    if purse is None:
        return ""
    kind, left = purse
    match kind:
        case "plan":
            return f"{PLAN_REMAINING}: {max(left, 0) // _MILLI}\r\n"
        case "money":
            return f"{BALANCE}: {decimal_from_nano(max(left, 0))}\r\n"
        case _:
            return ""
