"""Books: all that actions on accounts and money take, in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from setaria.core.secrets import SecretRing
from tests.fakes.account_book import FakeAccountBook
from tests.fakes.clock import FakeClock
from tests.fakes.price_book import FakePriceBook
from tests.fakes.purse_book import FakePurseBook

RING = SecretRing({"a": bytes(32)})


class FakeBooks:
    """Implements MoneyBooks; `begin` gives itself, for it never rolls back: `begun` counts how often."""

    def __init__(self) -> None:
        self.accounts = self.keys = FakeAccountBook()
        self.clock = FakeClock()
        self.purses = self.over = self.recalls = self.codes = FakePurseBook(self.clock)
        self.prices = FakePriceBook()
        self.ring = RING
        self.begun = 0

    @contextmanager
    def begin(self) -> Iterator["FakeBooks"]:
        """Open what would be a transaction."""
        self.begun += 1
        yield self
