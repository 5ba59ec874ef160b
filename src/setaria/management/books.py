"""Books: what the actions on accounts and money take, all of it within one transaction."""

from typing import Protocol

from setaria.core.clock import Clock
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.ports import AccountBook, KeyBook
from setaria.domain.ledger.ports import CodeBook, OverBook, PriceBook, PurseBook, RecallBook


class MoneyBooks(Protocol):
    """The books of accounts, keys, purses and codes."""

    @property
    def accounts(self) -> AccountBook:
        """The accounts."""
        ...

    @property
    def keys(self) -> KeyBook:
        """Their keys."""
        ...

    @property
    def purses(self) -> PurseBook:
        """What they have to spend, and what moved it."""
        ...

    @property
    def over(self) -> OverBook:
        """What of it has ended."""
        ...

    @property
    def recalls(self) -> RecallBook:
        """Those whose leases are called home."""
        ...

    @property
    def codes(self) -> CodeBook:
        """The redeem codes."""
        ...

    @property
    def prices(self) -> PriceBook:
        """The prices, and the currency of all amounts."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def ring(self) -> SecretRing:
        """The server's secrets."""
        ...


def currency_of(books: MoneyBooks) -> str:
    """Tell the currency of all amounts of the installation."""
    return books.prices.read_prices().currency
