"""Contract of both stores for prices: what is imported is what workers read."""

import asyncio

from setaria.adapters.store.control.store import ControlStore
from setaria.domain.ledger.tariff import PriceList, Tariff, Tier, Times
from tests.adapters.store.samples import opened

OLD = Tariff("price_1", "pro", 100, 1, 2, 3, 4)
NEW = Tariff(
    "price_2", "pro", 200, 2**60, tiers=(Tier(9, 2_000_000),), times=(Times(0, 480, 500_000, "Asia/Shanghai"),)
)
RATE = Tariff("rate_1", "pro", 200, output=5)


def read_as_a_worker(url: str) -> tuple[PriceList, int]:
    """Read prices and the change counter on the hot path."""

    async def run() -> tuple[PriceList, int]:
        async with opened(url) as store:
            return await store.read_tariffs(), await store.read_change_counter()

    return asyncio.run(run())


def test_there_are_no_prices_at_first(url: str) -> None:
    """A new database has a currency and nothing else."""
    assert (PriceList("USD"), 0) == read_as_a_worker(url)


def test_prices_are_read_whole(url: str, control: ControlStore) -> None:
    """Every version comes back as it was given, oldest first, and each change is counted."""
    with control.begin() as books:
        books.add_tariff("payg", NEW, 1)
        books.add_tariff("payg", OLD, 2)
        books.add_tariff("plan", RATE, 3)
        books.set_currency("EUR", 4)
        books.set_currency("CNY", 5)
    expected = PriceList("CNY", (OLD, NEW), (RATE,))
    with control.read() as books:
        assert expected == books.read_prices()
    assert (expected, 5) == read_as_a_worker(url)
