"""Money shapes: what balances, entries, limits and codes look like as JSON, wherever they are shown.

Amounts are decimal strings; money has its currency beside it, credits the unit `credits`.
"""

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.money import decimal_from_nano
from setaria.domain.accounts.records import DEFAULT_LIMITS, Account, ModelLimits
from setaria.domain.ledger.allowances import Entry, EntryRow
from setaria.domain.ledger.codes import Code
from setaria.domain.ledger.purses import PURSE_KINDS, Balance, Purse
from setaria.management.closing import Closed
from setaria.management.purses import Statement

CREDITS = "credits"
_NANO_PER_MILLI = 1_000_000


class BalanceShape(msgspec.Struct, frozen=True):
    """What an account has; `available` is cash and gifts less the debt."""

    cash: str
    gift: str
    available: str
    debt: str
    currency: str


class GiftShape(msgspec.Struct, frozen=True):
    """A gift and what is left of it; `expires_at` is null where it does not end."""

    id: str
    granted: str
    left: str
    currency: str
    expires_at: str | None


class StatementShape(msgspec.Struct, frozen=True):
    """An account with what it has."""

    id: str
    name: str
    status: str
    email: str
    billing: str
    created_at: str
    balance: BalanceShape
    gifts: list[GiftShape]


class ClosedShape(msgspec.Struct, frozen=True):
    """An account just closed; `refund` is what its owner is to get back."""

    id: str
    status: str
    refund: str
    currency: str


class EntryShape(msgspec.Struct, frozen=True):
    """A movement that is no call; `purse` is the kind of what it moved, `currency` that of money or `credits`."""

    id: str
    at: str
    account: str
    kind: str
    purse: str
    amount: str
    currency: str
    actor: str
    reason: str
    reference: str


class LimitsShape(msgspec.Struct, frozen=True):
    """An account's limits on one model, `*` for every other; null is no limit."""

    id: str
    rpm: int | None
    tpm: int | None
    in_flight: int | None


class NewCodeShape(msgspec.Struct, frozen=True):
    """A redeem code just made; `code` is its text."""

    id: str
    code: str
    batch: str
    amount: str
    currency: str
    expires_at: str | None


class CodeShape(msgspec.Struct, frozen=True):
    """A redeem code as it is kept; `redeemed_by` is an account's id."""

    id: str
    batch: str
    last4: str
    amount: str
    currency: str
    created_at: str
    expires_at: str | None
    redeemed_at: str | None
    redeemed_by: str | None


def shape_balance(balance: Balance, currency: str) -> BalanceShape:
    """Shape a balance."""
    return BalanceShape(
        cash=decimal_from_nano(balance.cash_nano),
        gift=decimal_from_nano(balance.gift_nano),
        available=decimal_from_nano(balance.available_nano),
        debt=decimal_from_nano(balance.debt_nano),
        currency=currency,
    )


def shape_statement(statement: Statement, currency: str) -> StatementShape:
    """Shape an account with what it has."""
    account = statement.account
    return StatementShape(
        id=account.id,
        name=account.name,
        status=account.status,
        email=account.email,
        billing=account.billing,
        created_at=iso_from_ms(account.created_at_ms),
        balance=shape_balance(statement.balance, currency),
        gifts=[
            _shape_gift(purse, statement.given_nano[purse.allowance.id], currency)
            for purse in statement.purses
            if purse.allowance.kind == "gift"
        ],
    )


def shape_closed(closed: Closed, currency: str) -> ClosedShape:
    """Shape an account just closed."""
    return ClosedShape(closed.account.id, closed.account.status, decimal_from_nano(closed.refund_nano), currency)


def shape_entry(entry: Entry, purse: str, currency: str) -> EntryShape:
    """Shape a movement of an allowance of this kind."""
    is_money = purse in PURSE_KINDS
    return EntryShape(
        id=entry.id,
        at=iso_from_ms(entry.at_ms),
        account=entry.account_id,
        kind=entry.kind,
        purse=purse,
        amount=decimal_from_nano(entry.amount if is_money else entry.amount * _NANO_PER_MILLI),
        currency=currency if is_money else CREDITS,
        actor=entry.actor,
        reason=entry.reason,
        reference=entry.reference,
    )


def shape_entry_row(row: EntryRow, currency: str) -> EntryShape:
    """Shape a movement as it is listed."""
    return shape_entry(row.entry, row.allowance_kind, currency)


def shape_limits(account: Account) -> list[LimitsShape]:
    """Shape what counts for an account: first on every model, then on those that have limits of their own."""
    limits = account.limits
    if limits.unlimited:
        return [LimitsShape("*", None, None, None)]
    every = _fill(limits.every, DEFAULT_LIMITS)
    own = ((model, _fill(given, every)) for model, given in sorted(limits.models.items()))
    return [LimitsShape(model, each.rpm, each.tpm, each.in_flight) for model, each in (("*", every), *own)]


def shape_new_code(code: Code, text: str, currency: str) -> NewCodeShape:
    """Shape a redeem code just made, with its text."""
    return NewCodeShape(
        code.id, text, code.batch, decimal_from_nano(code.amount_nano), currency, _moment(code.expires_at_ms)
    )


def shape_code(code: Code, currency: str) -> CodeShape:
    """Shape a redeem code as it is kept."""
    return CodeShape(
        id=code.id,
        batch=code.batch,
        last4=code.last4,
        amount=decimal_from_nano(code.amount_nano),
        currency=currency,
        created_at=iso_from_ms(code.created_at_ms),
        expires_at=_moment(code.expires_at_ms),
        redeemed_at=_moment(code.redeemed_at_ms),
        redeemed_by=code.redeemed_by,
    )


def _shape_gift(purse: Purse, given_nano: int, currency: str) -> GiftShape:
    gift = purse.allowance
    granted, left = decimal_from_nano(given_nano), decimal_from_nano(purse.left_nano)
    return GiftShape(gift.id, granted, left, currency, _moment(gift.ends_at_ms))


def _fill(given: ModelLimits, rest: ModelLimits) -> ModelLimits:
    own = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    return msgspec.structs.replace(rest, **own)


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_from_ms(at_ms)
