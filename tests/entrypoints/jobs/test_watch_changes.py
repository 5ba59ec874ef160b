"""Watch changes: what a worker renews when the change counter moves, and what it believes when it can't be read."""

import asyncio

from setaria.core.errors import Unavailable
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.keys import key_secrets_from_ring
from setaria.entrypoints.jobs.watch_changes import TRUSTED_FOR_S, ChangeWatch
from setaria.gateway.authenticate import KeyCache
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedger


class Watched:
    """A counter, a catalog and a watch over both; `renewed` counts how often the catalog was read."""

    def __init__(self) -> None:
        self.number = 1
        self.renewed = 0
        self.counter_away = self.catalog_away = False
        self.clock = FakeClock()
        self.keys = KeyCache(FakeLedger(), key_secrets_from_ring(SecretRing({"a": bytes(32)})))
        self._watch = ChangeWatch(self, self.keys, self.clock, self.renew)

    async def read_change_counter(self) -> int:
        if self.counter_away:
            raise Unavailable("away")
        return self.number

    async def renew(self) -> None:
        if self.catalog_away:
            raise Unavailable("away")
        self.renewed += 1

    def look(self) -> int:
        """Look once, and tell how often the catalog was renewed in all."""
        asyncio.run(self._watch.look())
        return self.renewed


def test_the_catalog_is_renewed_on_a_change_only() -> None:
    """The first look and every change renew it, a look without a change does not."""
    watched = Watched()
    counts = [watched.look(), watched.look()]
    watched.number = 2
    assert [*counts, watched.look(), watched.look()] == [1, 1, 2, 2]


def test_a_catalog_that_could_not_be_read_is_tried_again() -> None:
    """A change is not lost by a database that is away when it is looked up."""
    watched = Watched()
    watched.catalog_away = True
    counts = [watched.look()]
    watched.catalog_away = False
    assert [*counts, watched.look()] == [0, 1]


def test_keys_are_believed_for_a_minute() -> None:
    """While the counter can't be read, cached keys count for 60 seconds; then none does, until it can be read again."""
    watched = Watched()
    watched.look()
    watched.counter_away = True
    fresh = []
    for wait_s in (TRUSTED_FOR_S, 1.0):
        watched.clock.advance(wait_s)
        watched.look()
        fresh.append(watched.keys.fresh)
    watched.counter_away = False
    watched.look()
    assert [*fresh, watched.keys.fresh] == [True, False, True]
