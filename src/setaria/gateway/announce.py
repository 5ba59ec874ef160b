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

    It is what this worker last knew, before this call was paid; calls that begin in one millisecond are told the same.
    Cost: hot path; 4 us, for the first of a millisecond.
    """
    hold = admitted.hold
    notice, at_ms = hold.notice, hold.at_ms
    if notice.at_ms != at_ms:
        notice.at_ms, notice.lines = at_ms, _write_notice(hold)
    if notice.lines:
        client.announce(notice.lines)


def _write_notice(hold: Hold) -> str:
    limits = hold.known_limits()
    return _write_purse(hold) + ("" if limits is None else write_limits(limits))


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
