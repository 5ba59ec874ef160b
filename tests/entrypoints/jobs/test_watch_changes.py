"""Watch changes: the catalog is renewed when the change counter moves."""

import asyncio

from setaria.core.errors import Unavailable
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.keys import key_secrets_from_ring
from setaria.entrypoints.jobs.watch_changes import ChangeWatch
from setaria.gateway.key_cache import KeyCache
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import FakeLedger


class Watched:
    """A counter, a catalog and a watch over both; `renewed` counts how often the catalog was read."""

    def __init__(self) -> None:
        self.number = 1
        self.renewed = 0
        self.catalog_away = False
        keys = KeyCache(FakeLedger(), key_secrets_from_ring(SecretRing({"a": bytes(32)})))
        self._watch = ChangeWatch(self, keys, FakeClock(), (self.renew,))

    async def read_change_counter(self) -> int:
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
