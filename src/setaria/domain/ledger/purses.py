"""Purses: the cash and the gifts of an account, and the arithmetic of money that moves in and out of them.

A gift is used before cash, and for calls only. For each purse: available + its leases + spent - debt = granted.
"""

from collections.abc import Iterable

import msgspec

from setaria.domain.ledger.allowances import Allowance, AllowanceKind

PURSE_KINDS: tuple[AllowanceKind, ...] = ("cash", "gift")
SPENT_KINDS: tuple[AllowanceKind, ...] = ("cash", "gift", "plan", "window")
"""What calls are paid with, in money or credits."""


RECALL_LIFE_MS = 30_000
"""A recall that began longer ago, by the database's clock, stands no more: whoever began it has died."""


class Purse(msgspec.Struct, frozen=True):
    """A purse, and what workers hold of it for calls under way or to come."""

    allowance: Allowance
    leased_nano: int

    @property
    def left_nano(self) -> int:
        """What is not spent; below zero where a postpaid account owes it."""
        return self.allowance.available + self.leased_nano


class Balance(msgspec.Struct, frozen=True):
    """What an account has, in nano-units; `debt_nano` is what calls took beyond what was there."""

    cash_nano: int
    gift_nano: int
    debt_nano: int

    @property
    def available_nano(self) -> int:
        """What is left in all, less the debt; below zero where the account owes it."""
        return self.cash_nano + self.gift_nano - self.debt_nano


class Held(msgspec.Struct, frozen=True):
    """What workers hold of an account: how many of them hold money or credits, and how many calls are under way."""

    workers: int
    calls: int


def pay_in(allowance: Allowance, amount: int) -> Allowance:
    """Put money into a purse; it pays the purse's debt first.

    Worked: available 0, spent 12, debt 2, granted 10; 5 paid in: available 3, spent 12, debt 0, granted 15.
    """
    settled = min(amount, allowance.debt)
    return msgspec.structs.replace(
        allowance,
        granted=allowance.granted + amount,
        debt=allowance.debt - settled,
        available=allowance.available + amount - settled,
    )


def take_out(allowance: Allowance, amount: int) -> Allowance:
    """Take money that is no charge of a call out of a purse; the caller has made sure that it may.

    Worked: available 8, spent 2, granted 10; 3 taken out: available 5, spent 2, granted 7.
    """
    return msgspec.structs.replace(
        allowance, granted=allowance.granted - amount, available=allowance.available - amount
    )


def is_over(allowance: Allowance, now_ms: int) -> bool:
    """Tell whether an allowance has come to its end."""
    return allowance.ends_at_ms is not None and allowance.ends_at_ms <= now_ms


def is_spent_and_over(purse: Purse, now_ms: int) -> bool:
    """Tell whether a purse has come to its end, with nothing left and nothing owed."""
    return is_over(purse.allowance, now_ms) and not purse.left_nano and not purse.allowance.debt


def balance_of(purses: Iterable[Purse], now_ms: int) -> Balance:
    """Sum an account's purses; a gift that is over counts no more, but for its debt."""
    cash_nano = gift_nano = debt_nano = 0
    for purse in purses:
        debt_nano += purse.allowance.debt
        if purse.allowance.kind == "cash":
            cash_nano += purse.left_nano
        elif not is_over(purse.allowance, now_ms):
            gift_nano += purse.left_nano
    return Balance(cash_nano, gift_nano, debt_nano)
