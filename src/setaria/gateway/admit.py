"""Admit: let a call begin, within its account's limits and for what its account can pay."""

from typing import NamedTuple

from setaria.core.errors import InvalidRequest, Unavailable
from setaria.domain.accounts.records import DEFAULT_LIMITS, Caller, Limits, ModelLimits
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.tariff import Tariff, is_free
from setaria.domain.plans.windows import window_scope
from setaria.gateway.desk import Desk, Line
from setaria.gateway.hold import SLICE_TOKENS, Hold, Scope
from setaria.gateway.paid_plan import PaidPlan, find_plan
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Admitted, Asked

_NOTHING_SAID = ModelLimits()


class Item(NamedTuple):
    """A line of a call; one that pays for tokens names its tariff."""

    line: Line
    tariff: Tariff | None = None


async def admit(asked: Asked, platform: Platform) -> Admitted:
    """Take what the call needs to begin; whoever gets the stage leaves its hold in the end.

    Raises: InvalidRequest where the model has no price; Limited, OutOfFunds, FundsHeld, PlanExpired, QuotaExhausted;
        Unavailable while it is not known, or the books and their stand-in can take no more calls.
    Cost: with the settlement of its hold 25 us (on a busy machine) where everything lies here, and no query.
    """
    if platform.spool.is_full:
        raise Unavailable("calls can't be put on the books now; try again", retry_after_s=2)
    caller, desk = asked.identified.caller, platform.desk
    scope = Scope(asked.input_tokens, asked.dialogue.max_output_tokens, desk.clerk.now_ms())
    hold = Hold(desk, scope)
    plan = await find_plan(asked, scope.at_ms, platform) if caller.lane == "plan" else None
    price = _price_of(asked, scope.at_ms, platform) if plan is None else plan.rate
    is_paid_ahead = price is not None and (plan is not None or caller.billing == "prepaid")
    items = _limit_items(caller, asked.model, plan, scope, desk)
    if price is not None and plan is not None:
        items += _plan_items(caller, plan, price, scope, desk)
    elif price is not None and is_paid_ahead:
        items += _money_items(caller, price, scope, desk)
    if items:
        lines = [item.line for item in items]
        taken = desk.take(lines)
        if taken is None:
            taken = await desk.obtain(lines)
        for item, parts in zip(items, taken, strict=True):
            if item.tariff is None:
                hold.add(item.line.fund, parts)
            else:
                hold.add_priced(item.line.fund, parts, item.tariff)
    if is_paid_ahead:
        hold.measure(SLICE_TOKENS)
        if not asked.stream:
            hold.cover_whole()
    elif price is not None:
        hold.overdraw(await desk.find_cash(caller.account_id), price)
    return Admitted(asked, hold, "" if price is None else price.id)


def limits_on(limits: Limits, model_id: str, plan: ModelLimits | None = None) -> ModelLimits:
    """Give an account's limits on a model: its own for this model, else for every model, its plan's, the platform's."""
    own, every = limits.models.get(model_id), limits.every
    if own is None and plan is None and every == _NOTHING_SAID:
        return DEFAULT_LIMITS
    own, plan = own or _NOTHING_SAID, plan or _NOTHING_SAID
    return ModelLimits(
        rpm=_first(own.rpm, every.rpm, plan.rpm, DEFAULT_LIMITS.rpm),
        tpm=_first(own.tpm, every.tpm, plan.tpm, DEFAULT_LIMITS.tpm),
        in_flight=_first(own.in_flight, every.in_flight, plan.in_flight, DEFAULT_LIMITS.in_flight),
    )


def _first(*values: int | None) -> int | None:
    """Give the first of several that is said."""
    return next((value for value in values if value is not None), None)


def _price_of(asked: Asked, at_ms: int, platform: Platform) -> Tariff | None:
    """Give the price of the call's model; None where it costs nothing, for want of a price or because it is 0."""
    price = platform.tariffs.price_of(asked.model.id, at_ms)
    if price is None:
        if asked.identified.caller.billing == "prepaid":
            raise InvalidRequest(f"the model {asked.model.id} has no price yet, so it can't be paid for", param="model")
        return None
    return None if is_free(price) else price


def _limit_items(caller: Caller, model: Model, plan: PaidPlan | None, scope: Scope, desk: Desk) -> list[Item]:
    if caller.limits.unlimited:
        return []
    limits = limits_on(caller.limits, model.id, None if plan is None else plan.limits)
    account_id = caller.account_id
    least = min(scope.input_tokens, limits.tpm or 0)
    wish = min(scope.input_tokens + min(scope.max_output_tokens, SLICE_TOKENS), limits.tpm or 0)
    return [
        Item(Line(desk.find(account_id, "rpm", model.id, limits.rpm), 1, 1)),
        Item(Line(desk.find(account_id, "tpm", model.id, limits.tpm), least, wish)),
        Item(Line(desk.find(account_id, "in_flight", model.id, limits.in_flight), 1, 1)),
    ]


def _money_items(caller: Caller, price: Tariff, scope: Scope, desk: Desk) -> list[Item]:
    least = scope.cost(price, 0)
    wish = scope.cost(price, min(scope.max_output_tokens, SLICE_TOKENS))
    items = [Item(Line(desk.find(caller.account_id, "money"), least, wish), price)]
    if caller.rules.cap_nano is not None:
        cap = desk.find(caller.account_id, "cap", caller.key_id, caller.rules.cap_nano)
        items.append(Item(Line(cap, least, wish), price))
    return items


def _plan_items(caller: Caller, plan: PaidPlan, rate: Tariff, scope: Scope, desk: Desk) -> list[Item]:
    least = scope.cost(rate, 0)
    wish = scope.cost(rate, min(scope.max_output_tokens, SLICE_TOKENS))
    funds = [desk.find(caller.account_id, "plan", caller.subscription_id)]
    for number, window in enumerate(plan.term.offer.windows):
        scope_of = window_scope(caller.subscription_id, plan.term, number)
        funds.append(desk.find(caller.account_id, "window", scope_of, window.credits, window.times))
    return [Item(Line(fund, least, wish), rate) for fund in funds]
