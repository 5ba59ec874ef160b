"""Footing: what limits the calls of one key on one model, and what pays for them; found once and kept while it holds.

Theory. A footing names funds of the desk, not what is in them. It holds as long as the caller, the model, the price and
the term of a plan are the very records that it was made of, for every change makes new records: the caches are emptied
then. And it holds as long as the desk has forgotten no fund and changed no limit since: keys of one account share its
funds, but a plan may limit its own calls otherwise, and a call that was long on its way may know an old limit.
"""

import msgspec

from setaria.core.ids import KeyId
from setaria.domain.accounts.records import DEFAULT_LIMITS, Caller, Limits, ModelLimits
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.funds import Fund, Line
from setaria.domain.ledger.tariff import Tariff, charge_tokens, is_free
from setaria.domain.plans.terms import Term
from setaria.domain.plans.windows import window_scope
from setaria.gateway.desk import Desk

SLICE_TOKENS = 256
MAX_KEPT = 100_000
_NOTHING_SAID = ModelLimits()
_NOTHING = Tariff("", "", 0)


class Scope(msgspec.Struct, frozen=True, gc=False):
    """What a call may take at most: the estimate of its prompt, all that it may say, and when it began."""

    input_tokens: int
    max_output_tokens: int
    at_ms: int

    def cost(self, tariff: Tariff, output_tokens: int) -> int:
        """Tell what the prompt and so much output cost, by the estimate; never nothing, so that a lease is named."""
        return charge_tokens(tariff, self.input_tokens, output_tokens, self.at_ms) or 1


class MinuteLines(msgspec.Struct, frozen=True):
    """The limits of an account on a model; requests and calls in flight are one each."""

    requests: Line
    tokens: Fund
    tpm: int
    in_flight: Line


class Notice:
    """What callers were last told of what they have left, and for which moment it was written."""

    __slots__ = ("at_ms", "lines")

    def __init__(self) -> None:
        self.at_ms = 0
        self.lines = ""


class Footing(msgspec.Struct, frozen=True):
    """`limits` None: there are none. Where tokens have a price `payers` pay for them ahead, in this order, or the
    account does later; then only a key's cap may be among the payers, which bounds what it may owe.

    `listed` is the price or rate as it is listed, `term` that of the plan that pays, None for other calls. `is_priced`:
    tokens cost something; `is_paid_later`: the account is charged when all is said, and holds no money for it.
    """

    caller: Caller
    model: Model
    listed: Tariff | None
    term: Term | None
    generation: int
    price: Tariff
    is_priced: bool
    is_paid_later: bool
    limits: MinuteLines | None
    payers: tuple[Fund, ...]
    notice: Notice

    def lines(self, scope: Scope, output_tokens: int) -> list[Line]:
        """Give what a call takes to begin, when so much output is to be paid for.

        Cost: hot path; 1.2 us.
        """
        lines: list[Line] = []
        limits = self.limits
        if limits is not None:
            wish = min(scope.input_tokens + min(output_tokens, SLICE_TOKENS), limits.tpm)
            lines += (limits.requests, Line(limits.tokens, wish, wish, limit=limits.tpm), limits.in_flight)
        if self.payers:
            wish = charge_tokens(self.price, scope.input_tokens, output_tokens, scope.at_ms) or 1
            for fund in self.payers:
                lines.append(Line(fund, wish, wish))
        return lines

    def least_lines(self, scope: Scope, output_tokens: int) -> list[Line]:
        """Give the same, of which so much will do as one request and the prompt take."""
        cost = scope.cost(self.price, 0)
        return [
            msgspec.structs.replace(line, least=min(line.wish, scope.input_tokens if line.fund.kind == "tpm" else cost))
            for line in self.lines(scope, output_tokens)
        ]


class FootingBook:
    """Keeps footings."""

    def __init__(self) -> None:
        self._kept: dict[tuple[KeyId, str], Footing] = {}

    def find(self, caller: Caller, model: Model, listed: Tariff | None, term: Term | None, desk: Desk) -> Footing:
        """Give the footing of a key on a model.

        Cost: hot path; 0.5 us when it is kept.
        """
        key = (caller.key_id, model.id)
        kept = self._kept.get(key)
        if (
            kept is not None
            and kept.caller is caller
            and kept.model is model
            and kept.listed is listed
            and kept.term is term
            and kept.generation == desk.generation
        ):
            return kept
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        is_priced = listed is not None and not is_free(listed)
        price = listed if listed is not None and is_priced else _NOTHING
        is_paid_later = is_priced and term is None and caller.billing != "prepaid"
        limits = _find_limits(caller, model, term, desk)
        payers = _find_payers(caller, term, desk) if is_priced else ()
        # Only now: to find a fund may change its limit, which ends the footings of others that wanted another one.
        found = Footing(
            caller, model, listed, term, desk.generation, price, is_priced, is_paid_later, limits, payers, Notice()
        )
        self._kept[key] = found
        return found


def limits_on(limits: Limits, model_id: str, plan: ModelLimits | None = None) -> ModelLimits:
    """Give an account's limits on a model: its own for this model, else for every model, its plan's, the platform's."""
    own, every = limits.models.get(model_id) or _NOTHING_SAID, limits.every
    plan = plan or _NOTHING_SAID
    return ModelLimits(
        rpm=_first(own.rpm, every.rpm, plan.rpm, DEFAULT_LIMITS.rpm),
        tpm=_first(own.tpm, every.tpm, plan.tpm, DEFAULT_LIMITS.tpm),
        in_flight=_first(own.in_flight, every.in_flight, plan.in_flight, DEFAULT_LIMITS.in_flight),
    )


def _first(*values: int | None) -> int | None:
    """Give the first of several that is said."""
    return next((value for value in values if value is not None), None)


def _find_limits(caller: Caller, model: Model, term: Term | None, desk: Desk) -> MinuteLines | None:
    if caller.limits.unlimited:
        return None
    offer = None if term is None else term.offer
    of_plan = None if offer is None else ModelLimits(rpm=offer.rpm, tpm=offer.tpm, in_flight=offer.in_flight)
    limits = limits_on(caller.limits, model.id, of_plan)
    account_id = caller.account_id
    return MinuteLines(
        Line(desk.find(account_id, "rpm", model.id, limits.rpm), 1, 1, limit=limits.rpm),
        desk.find(account_id, "tpm", model.id, limits.tpm),
        limits.tpm or 0,
        Line(desk.find(account_id, "in_flight", model.id, limits.in_flight), 1, 1, limit=limits.in_flight),
    )


def _find_payers(caller: Caller, term: Term | None, desk: Desk) -> tuple[Fund, ...]:
    """Find what pays ahead: the plan and its windows, or a prepaid account's money; and whoever pays, the key's cap."""
    account_id = caller.account_id
    if term is not None:
        funds = [desk.find(account_id, "plan", caller.subscription_id)]
        for number, window in enumerate(term.offer.windows):
            scope = window_scope(caller.subscription_id, term, number)
            funds.append(desk.find(account_id, "window", scope, window.credits, window.times))
        return tuple(funds)
    funds = [desk.find(account_id, "money")] if caller.billing == "prepaid" else []
    if caller.rules.cap_nano is not None:
        cap_id = caller.rules.cap_id or caller.key_id
        funds.append(desk.find(account_id, "cap", cap_id, caller.rules.cap_nano))
    return tuple(funds)
