"""Receipts: what a call cost, and why, as it is shown."""

import msgspec
import pytest

from setaria.core.errors import NotFound
from setaria.domain.ledger.allowances import Charge
from setaria.domain.ledger.receipt import Paid, Receipt
from setaria.domain.ledger.records import CallRow
from setaria.domain.ledger.tariff import PriceList, Tariff, Tier, Times
from setaria.management.receipt_shapes import shape_receipt
from setaria.management.usage import find_receipt, find_version
from tests.adapters.store.samples import AT_MS, make_call
from tests.fakes.call_book import FakeCallBook

PRICE = Tariff(
    *("price_1", "seedling", AT_MS, 435_000_000, 3_600_000, 0, 870_000_000),
    tiers=(Tier(10, 2_000_000),),
    times=(Times(0, 480, 500_000),),
)
RATE = Tariff("rate_1", "seedling", AT_MS, 300_000_000_000)


def test_a_receipt_has_the_agreed_shape() -> None:
    """All of the call, the version of its price with the factors that counted, who paid, and why."""
    call = make_call(charge_nano=1_500, price_id="price_1")
    paid = (Paid(Charge("al_1", 1_000), "gift"), Paid(Charge("al_2", 500), "cash"), Paid(Charge("al_3", 1), None))
    shape = msgspec.to_builtins(shape_receipt(Receipt(CallRow(call, "ann", "laptop"), paid), PRICE, "EUR"))
    assert next(iter(shape)) == "id"
    assert (shape["id"], shape["cost"], shape["currency"], shape["credits"]) == (call.id, "0.0000015", "EUR", "0")
    assert (shape["lane"], shape["ending"], shape["attempts"], shape["account_name"]) == ("payg", "completed", 1, "ann")
    assert shape["price"] == {
        "id": "price_1",
        "from": "2026-11-23T00:00:00.000Z",
        "unit": "EUR per million tokens",
        "input": "0.435",
        "cached_input": "0.0036",
        "cache_write": "0",
        "output": "0.87",
        "audio_per_hour": "0",
        "search_per_1000": "0",
        "tier_factor": "2",
        "time_factor": "0.5",
    }
    assert shape["paid"] == [
        {"id": "al_1", "purse": "gift", "amount": "0.000001", "currency": "EUR"},
        {"id": "al_2", "purse": "cash", "amount": "0.0000005", "currency": "EUR"},
        {"id": "al_3", "purse": None, "amount": "0.000000001", "currency": "EUR"},
    ]
    assert shape["why"] == "the answer was whole; the tokens were counted by the model's own tokenizer"


def test_a_plan_s_receipt_is_in_credits() -> None:
    """Windows paid too, each of them the whole."""
    call = make_call(lane="plan", subscription_id="sub_1", charge_nano=0, charge_millicredits=2_500, price_id="rate_1")
    paid = (Paid(Charge("al_1", 2_500), "plan"), Paid(Charge("al_2", 2_500), "window"), Paid(Charge("al_3", 1), None))
    shape = shape_receipt(Receipt(CallRow(call, "ann", "plan"), paid), RATE, "USD")
    assert (shape.lane, shape.subscription, shape.cost, shape.credits) == ("plan", "sub_1", "0.00", "2.5")
    assert shape.price is not None
    assert (shape.price.unit, shape.price.input) == ("credits per token", "300")
    assert [(each.amount, each.currency) for each in shape.paid] == [
        *[("2.5", "credits"), ("2.5", "credits")],
        ("0.001", "credits"),
    ]


def test_a_receipt_is_found_with_its_price() -> None:
    """A call that is not there is told; one without a price has none."""
    row = CallRow(make_call(), "ann", "laptop")
    book = FakeCallBook([row], [])
    assert find_receipt(book, row.call.id).row == row
    with pytest.raises(NotFound, match="there is no call 'x'"):
        find_receipt(book, "x")
    listed = PriceList("USD", (PRICE,), (RATE,))
    found = find_version(PriceList("USD", (PRICE,), (RATE,), search_nano=5), "price_1")
    assert found == msgspec.structs.replace(PRICE, search_nano=5)
    assert [find_version(listed, each) for each in ("price_1", "rate_1", "")] == [PRICE, RATE, None]
    assert shape_receipt(find_receipt(book, row.call.id), None, "USD").price is None
