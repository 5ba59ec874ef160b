"""Receipt shapes: what a call's receipt looks like as JSON, wherever it is shown."""

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.money import decimal_from_millicredits, decimal_from_nano
from setaria.domain.ledger.purses import PURSE_KINDS
from setaria.domain.ledger.receipt import Paid, Receipt, explain
from setaria.domain.ledger.records import CallRecord
from setaria.domain.ledger.tariff import Tariff, tier_factor, time_factor
from setaria.management.money_shapes import CREDITS
from setaria.management.price_shapes import factor_from_millionths, hourly, plain
from setaria.management.shapes import CallShape, shape_call

MONEY_KINDS = (*PURSE_KINDS, "cap")


class PriceShape(msgspec.Struct, frozen=True, rename={"begin": "from"}):
    """The version of a price, or of a plan's rate, that a call paid, and the factors that counted for it."""

    id: str
    begin: str
    unit: str
    input: str
    cached_input: str
    cache_write: str
    output: str
    audio_per_hour: str
    search_per_1000: str
    tier_factor: str
    time_factor: str


class PaidShape(msgspec.Struct, frozen=True):
    """What one purse or window of a plan paid; `id` is its own, `purse` its kind, null when it is gone."""

    id: str
    purse: str | None
    amount: str
    currency: str


class ReceiptShape(CallShape, frozen=True):
    """A call with what it cost: `paid` says who paid how much, `why` the reason in words."""

    subscription: str
    price: PriceShape | None
    paid: list[PaidShape]
    why: str


def shape_receipt(receipt: Receipt, tariff: Tariff | None, currency: str) -> ReceiptShape:
    """Shape a receipt.

    Takes: tariff, the version that the call's row names, None when there is none.
    """
    call = receipt.row.call
    return ReceiptShape(
        **msgspec.structs.asdict(shape_call(receipt.row, currency)),
        subscription=call.subscription_id,
        price=None if tariff is None else _shape_price(call, tariff, currency),
        paid=[_shape_paid(each, call, currency) for each in receipt.paid],
        why=explain(call),
    )


def _shape_price(call: CallRecord, tariff: Tariff, currency: str) -> PriceShape:
    return PriceShape(
        id=tariff.id,
        begin=iso_from_ms(tariff.from_ms),
        unit=f"{currency} per million tokens" if call.lane == "payg" else f"{CREDITS} per token",
        input=plain(tariff.input),
        cached_input=plain(tariff.cached_input),
        cache_write=plain(tariff.cache_write),
        output=plain(tariff.output),
        audio_per_hour=hourly(tariff, call.lane),
        search_per_1000=plain(tariff.search_nano),
        tier_factor=factor_from_millionths(tier_factor(tariff, call.usage)),
        time_factor=factor_from_millionths(time_factor(tariff, call.at_ms)),
    )


def _shape_paid(paid: Paid, call: CallRecord, currency: str) -> PaidShape:
    amount, is_money = paid.charge.amount, call.lane == "payg" if paid.kind is None else paid.kind in MONEY_KINDS
    shown = decimal_from_nano(amount) if is_money else decimal_from_millicredits(amount)
    return PaidShape(paid.charge.allowance_id, paid.kind, shown, currency if is_money else CREDITS)
