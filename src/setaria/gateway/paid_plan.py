"""Paid plan: the term of a plan that a call is paid with, and what its model costs there."""

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.errors import InvalidRequest, PlanExpired
from setaria.domain.ledger.tariff import Tariff, is_free
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.terms import Term
from setaria.gateway.platform import Platform
from setaria.gateway.stages import Asked


class PaidPlan(msgspec.Struct, frozen=True):
    """What pays for a call on the plan lane; `rate` is None where the model costs nothing."""

    term: Term
    rate: Tariff | None


async def find_plan(asked: Asked, at_ms: int, platform: Platform) -> PaidPlan:
    """Find the plan that a call is paid with, never anything else.

    Raises: PlanExpired when it is over; InvalidRequest when it is not for the call's model; Unavailable.
    Cost: a look-up in memory when the plan is known.
    """
    term = await find_term(asked.identified.caller.subscription_id, at_ms, platform)
    rate = rate_on(term.offer, asked.model.id, at_ms, platform)
    if rate is None:
        raise InvalidRequest(f"the plan {term.offer.name} is not for the model {asked.model.id}", param="model")
    return PaidPlan(term, None if is_free(rate) else rate)


async def find_term(subscription_id: str, at_ms: int, platform: Platform) -> Term:
    """Find the term of a plan that holds at a moment.

    Raises: PlanExpired when it is over; Unavailable.
    """
    held = await platform.plans.find(subscription_id)
    term = None if held is None else held.term_at(at_ms)
    if term is None:
        ended = "" if held is None else f" at {iso_from_ms(held.last.ends_at_ms - 1)}"
        raise PlanExpired(f"the plan of this key has ended{ended}; renew it, or ask whoever runs this platform")
    return term


def rate_on(offer: Offer, model_id: str, at_ms: int, platform: Platform) -> Tariff | None:
    """Give what a model costs on a plan; None when the plan is not for it."""
    rate = platform.tariffs.rate_of(model_id, at_ms)
    return rate if not offer.models or model_id in offer.models else None
