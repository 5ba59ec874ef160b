"""Admit: let a call begin, within its account's limits and for what its account can pay."""

from typing import NamedTuple

from setaria.core.errors import InvalidRequest, Unavailable
from setaria.domain.accounts.records import Caller, Limits, ModelLimits
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.tariff import Tariff
from setaria.gateway.desk import Desk, Line
from setaria.gateway.hold import SLICE_TOKENS, Hold, Scope
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Admitted, Asked

DEFAULT_LIMITS = ModelLimits(rpm=100, tpm=10_000_000, in_flight=16)


class Item(NamedTuple):
    """A line of a call; one that pays for tokens names its tariff."""

    line: Line
    tariff: Tariff | None = None


async def admit(asked: Asked, platform: Platform) -> Admitted:
    """Take what the call needs to begin; whoever gets the stage leaves its hold in the end.

    Raises: InvalidRequest where the model has no price; Limited, OutOfFunds, FundsHeld; Unavailable while it is not
        known, or the books and their stand-in can take no more calls.
    Cost: 4 us where everything lies here; no question to the database.
    """
    if platform.spool.is_full:
        raise Unavailable("calls can't be put on the books now; try again", retry_after_s=2)
    caller, desk = asked.identified.caller, platform.desk
    scope = Scope(asked.input_tokens, asked.dialogue.max_output_tokens, desk.clerk.now_ms())
    hold = Hold(desk, scope)
    price = _price_of(asked, scope.at_ms, platform)
    items = [*_limit_items(caller, asked.model, scope, desk)]
    if price is not None and caller.billing == "prepaid":
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
    if price is not None and caller.billing == "prepaid":
        hold.measure()
        if not asked.stream:
            hold.cover_whole()
    elif price is not None:
        hold.overdraw(await desk.find_cash(caller.account_id), price)
    return Admitted(asked, hold, "" if price is None else price.id)


def limits_on(limits: Limits, model_id: str) -> ModelLimits:
    """Give an account's limits on a model: its own for this model, else for every model, else the platform's."""
    own, every = limits.models.get(model_id), limits.every
    if own is None and every == ModelLimits():
        return DEFAULT_LIMITS
    chosen = [each for each in (own, every, DEFAULT_LIMITS) if each is not None]
    return ModelLimits(
        rpm=next(each.rpm for each in chosen if each.rpm is not None),
        tpm=next(each.tpm for each in chosen if each.tpm is not None),
        in_flight=next(each.in_flight for each in chosen if each.in_flight is not None),
    )


def _price_of(asked: Asked, at_ms: int, platform: Platform) -> Tariff | None:
    """Give the price of the call's model; None where it costs nothing, for want of a price or because it is 0."""
    price = platform.tariffs.price_of(asked.model.id, at_ms)
    if price is None:
        if asked.identified.caller.billing == "prepaid":
            raise InvalidRequest(f"the model {asked.model.id} has no price yet, so it can't be paid for", param="model")
        return None
    return price if price.input or price.cached_input or price.cache_write or price.output else None


def _limit_items(caller: Caller, model: Model, scope: Scope, desk: Desk) -> list[Item]:
    if caller.limits.unlimited:
        return []
    limits, account_id = limits_on(caller.limits, model.id), caller.account_id
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
