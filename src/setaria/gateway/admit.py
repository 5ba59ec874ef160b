"""Admit: let a call begin, within its account's limits and for what its account can pay."""

from setaria.core.errors import InvalidRequest, Unavailable
from setaria.gateway.desk import Desk
from setaria.gateway.footing import SLICE_TOKENS, Footing, Scope
from setaria.gateway.hold import Hold
from setaria.gateway.paid_plan import find_plan
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Admitted, Asked


async def admit(asked: Asked, platform: Platform) -> Admitted:
    """Take what the call needs to begin; whoever gets the stage leaves its hold in the end.

    Raises: InvalidRequest where the model has no price; Limited, OutOfFunds, FundsHeld, PlanExpired, QuotaExhausted;
        Unavailable while it is not known, or the books and their stand-in can take no more calls.
    Cost: 7 us where everything lies here, and no query.
    """
    if platform.spool.is_full:
        raise Unavailable("calls can't be put on the books now; try again", retry_after_s=2)
    caller, desk = asked.identified.caller, platform.desk
    scope = Scope(asked.input_tokens, asked.dialogue.max_output_tokens, desk.clerk.now_ms())
    if caller.lane == "plan":
        plan = await find_plan(asked, scope.at_ms, platform)
        footing = platform.footings.find(caller, asked.model, plan.rate, plan.term, desk)
    else:
        listed = platform.tariffs.price_of(asked.model.id, scope.at_ms)
        if listed is None and caller.billing == "prepaid":
            raise InvalidRequest(f"the model {asked.model.id} has no price yet, so it can't be paid for", param="model")
        footing = platform.footings.find(caller, asked.model, listed, None, desk)
    cash = ""
    if footing.is_paid_later:
        cash = await desk.find_cash(caller.account_id)
        # The desk may have forgotten a fund meanwhile: what is taken of such a one never comes back.
        footing = platform.footings.find(caller, asked.model, footing.listed, None, desk)
    hold = await _take_hold(footing, scope, asked, desk)
    if cash:
        hold.overdraw(cash)
    return Admitted(asked, hold, footing.price.id)


async def _take_hold(footing: Footing, scope: Scope, asked: Asked, desk: Desk) -> Hold:
    """Take what lies here for a call's beginning, or ask the books for it.

    An answer that is given as a whole can't be seen while it comes: all of it is to be paid for at once, if it can be.
    """
    hold = Hold(desk, scope, footing)
    wished = scope.max_output_tokens
    if asked.envelope.stream:
        wished = min(wished, SLICE_TOKENS)
    lines = footing.lines(scope, wished)
    if not lines:
        return hold
    taken = desk.take(lines)
    if taken is not None:
        hold.begin(taken, wished)
        return hold
    wished = min(wished, SLICE_TOKENS)
    hold.begin(await desk.obtain(footing.least_lines(scope, wished)), 0)
    hold.measure(wished)
    if not asked.envelope.stream:
        hold.cover_whole()
    return hold
