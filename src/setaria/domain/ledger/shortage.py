"""Shortage: what a call is told that can't get what it needs, and whether waiting may help before it is told."""

from typing import NamedTuple, assert_never

from setaria.core.errors import CallerError, FundsHeld, Limited, OutOfFunds, QuotaExhausted
from setaria.domain.ledger.funds import Fund
from setaria.domain.ledger.leases import MINUTE_MS, Short
from setaria.domain.ledger.limit_notice import limit_headers

SOON_S = 1


class Shortage(NamedTuple):
    """The refusal, and whether somebody may give back what is needed within a moment."""

    error: CallerError
    may_end_soon: bool


def explain_short(fund: Fund, limit: int, least: int, own: int, short: Short, now_ms: int) -> Shortage:
    """Tell why a call, under this limit, does not get its `least` of a fund, of which it has `own` already.

    Worked, for money: 5 left, a call needs 20. Other calls hold 30 or more: it may end soon, and is then told that
    funds are held; they hold 10: even if all of it came back it would not do, so the balance is used up.
    """
    kind = fund.want.kind
    match kind:
        case "money" | "cap" | "plan" | "window":
            held = fund.held - own + sum(lease.idle for lease in fund.leases) + short.elsewhere
            if short.debt or short.left + held < least:
                return Shortage(_used_up(fund, short, now_ms), may_end_soon=False)
            message = "other calls hold what is left for their answers; send the request again in a moment"
            return Shortage(FundsHeld(message, retry_after_s=SOON_S), may_end_soon=True)
        case "rpm" | "tpm":
            wait_s = -(-(MINUTE_MS - now_ms % MINUTE_MS) // 1000)
            what = "requests" if kind == "rpm" else "tokens"
            message = f"the limit of {limit} {what} a minute on {fund.want.scope} is reached"
            is_held = kind == "tpm" and fund.held > own
            headers = limit_headers(what, limit, str(short.left), now_ms)
            error = Limited(message, retry_after_s=wait_s, headers=headers)
            return Shortage(error, may_end_soon=short.elsewhere > 0 or is_held)
        case "in_flight":
            message = f"the limit of {limit} calls at a time on {fund.want.scope} is reached"
            return Shortage(Limited(message, retry_after_s=SOON_S), may_end_soon=short.elsewhere > 0)
        case _:
            assert_never(kind)


def _used_up(fund: Fund, short: Short, now_ms: int) -> CallerError:
    match fund.want.kind:
        case "cap":
            return OutOfFunds("this key has spent what it may in this month (UTC); raise its cap or take another key")
        case "plan":
            message = "the plan's credits are used up; upgrade it, or begin a new term of it"
            return QuotaExhausted(message, retry_after_s=_seconds_to(short.ends_at_ms, now_ms))
        case "window":
            message = "the credits of a window of the plan are used up; they are there again when the next one opens"
            return QuotaExhausted(message, retry_after_s=_seconds_to(short.ends_at_ms, now_ms))
        case _:
            if short.debt:
                return OutOfFunds("Insufficient account balance: earlier calls took more than was left; top up")
            return OutOfFunds("Insufficient account balance: top up the account")


def _seconds_to(moment_ms: int | None, now_ms: int) -> int | None:
    return None if moment_ms is None else max(1, -(-(moment_ms - now_ms) // 1000))
