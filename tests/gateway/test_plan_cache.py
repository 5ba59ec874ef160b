"""Plan cache: what is remembered, and for how long."""

import asyncio

import pytest

from setaria.core.ids import AccountId
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import Subscription, begin
from setaria.gateway import plan_cache
from setaria.gateway.plan_cache import PlanCache

HELD = begin("sub_1", AccountId("acct_1"), Offer("a", "A", 1, "month", 1), 0, 1)


class FakeDirectory:
    """Implements the port PlanDirectory: knows one subscription; `asked` are the ids it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cache: PlanCache | None = None

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        self.asked.append(subscription_id)
        if self.cache is not None:
            self.cache.forget()
        return HELD if subscription_id == HELD.id else None


def test_a_subscription_is_asked_for_once_until_something_changes() -> None:
    """Whether it is there or not."""
    directory = FakeDirectory()
    cache = PlanCache(directory)

    async def run() -> list[Subscription | None]:
        found = [await cache.find(each) for each in ("sub_1", "sub_1", "sub_2", "sub_2")]
        cache.forget()
        return [*found, await cache.find("sub_1")]

    assert asyncio.run(run()) == [HELD, HELD, None, None, HELD]
    assert directory.asked == ["sub_1", "sub_2", "sub_1"]


def test_what_changes_while_it_is_read_is_not_remembered() -> None:
    """It may be the state from before."""
    directory = FakeDirectory()
    directory.cache = cache = PlanCache(directory)

    async def run() -> None:
        await cache.find("sub_1")
        await cache.find("sub_1")

    asyncio.run(run())
    assert directory.asked == ["sub_1", "sub_1"]


def test_the_cache_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many are known it begins anew."""
    monkeypatch.setattr(plan_cache, "MAX_CACHED_PLANS", 2)
    directory = FakeDirectory()
    cache = PlanCache(directory)

    async def run() -> None:
        for each in ("sub_1", "sub_2", "sub_3", "sub_1"):
            await cache.find(each)

    asyncio.run(run())
    assert len(directory.asked) == 4
