"""Two nodes over one database, their clocks an hour apart: limits hold over both, and no slot lies idle in vain."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.lease_book import LeaseTable
from setaria.core.clock import SystemClock
from setaria.core.errors import Limited
from setaria.domain.ledger.funds import Line
from setaria.domain.ledger.leases import MINUTE_MS
from setaria.gateway.desk import TICK_S, Desk
from tests.adapters.store.samples import ACCOUNT, add_account_and_key, opened
from tests.fakes.log import FakeLog

LEFT_OF_MINUTE_S = 20.0


class LateClock(SystemClock):
    """Is an hour behind."""

    def now_ms(self) -> int:
        return super().now_ms() - 60 * MINUTE_MS


@contextlib.asynccontextmanager
async def two_desks(url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Open the desks of two nodes, which do what they do twice a second."""
    async with opened(url) as first, opened(url) as second:
        desks = (
            Desk(LeaseTable(first), "a", SystemClock(), FakeLog()),
            Desk(LeaseTable(second), "b", LateClock(), FakeLog()),
        )
        for desk in desks:
            await desk.clerk.enter()
        await desks[0].clerk.renew()

        async def tick() -> None:
            while True:
                await asyncio.sleep(TICK_S)
                for desk in desks:
                    await desk.tick()

        ticking = asyncio.create_task(tick())
        yield desks
        ticking.cancel()
        for desk in desks:
            await desk.clerk.leave()


@pytest.fixture(autouse=True)
def _accounts(control: ControlStore) -> None:
    add_account_and_key(control)


def test_a_limit_of_100_a_minute_admits_exactly_100(url: str) -> None:
    """Of 130 requests to both nodes at once 100 are admitted, in the same minute whatever their clocks say."""

    async def ask(desk: Desk) -> int:
        fund = desk.find(ACCOUNT.id, "rpm", "m", 100)
        try:
            (parts,) = await desk.obtain([Line(fund, 1, 1)])
        except Limited:
            return 0
        fund.use_up(parts)
        return 1

    async def run() -> int:
        left_s = 60 - time.time() % 60
        if left_s < LEFT_OF_MINUTE_S:
            await asyncio.sleep(left_s)
        async with two_desks(url) as desks:
            return sum(await asyncio.gather(*(ask(desk) for desk in desks * 65)))

    assert asyncio.run(run()) == 100


def test_the_only_slot_goes_where_it_is_needed(url: str) -> None:
    """A limit of 1 call at a time is never refused while the slot is idle at the other node."""

    async def run() -> int:
        async with two_desks(url) as desks:
            for desk in desks * 6:
                fund = desk.find(ACCOUNT.id, "in_flight", "m", 1)
                (parts,) = await desk.obtain([Line(fund, 1, 1)])
                desk.put_back(fund, parts)
        return len(desks)

    assert asyncio.run(run()) == 2
