"""Plan cache: the subscriptions that calls are paid with, remembered for as long as nothing changes."""

from setaria.domain.plans.ports import PlanDirectory
from setaria.domain.plans.subscriptions import Subscription

MAX_CACHED_PLANS = 100_000


class PlanCache:
    """Remembers subscriptions by id; it is emptied whenever anything changes."""

    def __init__(self, directory: PlanDirectory) -> None:
        self._directory = directory
        self._known: dict[str, Subscription | None] = {}
        self._generation = 0

    async def find(self, subscription_id: str) -> Subscription | None:
        """Find a subscription; None when there is none of this id.

        Raises: Unavailable when it can't be known now.
        Cost: a dictionary look-up when it is known.
        """
        found = self._known.get(subscription_id)
        if found is not None or subscription_id in self._known:
            return found
        generation = self._generation
        found = await self._directory.find_subscription(subscription_id)
        if generation == self._generation:
            if len(self._known) >= MAX_CACHED_PLANS:
                self._known.clear()
            self._known[subscription_id] = found
        return found

    def forget(self) -> None:
        """Empty the cache: something changed."""
        self._generation += 1
        self._known.clear()
