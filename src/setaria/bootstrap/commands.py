"""Commands: what the command line needs to act on an installation, whether its server runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from setaria.adapters.store.control.store import Books as StoredBooks
from setaria.bootstrap.catalog import SEEDLING
from setaria.bootstrap.installation import open_installation
from setaria.bootstrap.missing_database import miss_no_database
from setaria.config import Settings
from setaria.core.clock import Clock, SystemClock
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.ports import AccountBook
from setaria.domain.catalog.added import Fixed
from setaria.domain.catalog.ports import CatalogBook
from setaria.domain.ledger.ports import CallBook, PriceBook, ProofBook
from setaria.domain.plans.ports import OfferBook


class Books(NamedTuple):
    """What management's actions take, within one transaction."""

    accounts: AccountBook
    calls: CallBook
    catalog: CatalogBook
    prices: PriceBook
    offers: OfferBook
    fixed: Fixed
    clock: Clock
    ring: SecretRing
    proof: ProofBook


@contextmanager
def open_books(settings: Settings) -> Iterator[Books]:
    """Open the books to change them; all is kept when the `with` block ends and nothing when it fails.

    Raises: as `bootstrap.installation.open_installation` does; Misconfigured when the database has gone.
    """
    miss_no_database(settings)
    clock = SystemClock()
    with open_installation(settings, clock) as (store, ring), store.begin() as book:
        yield _make_books(settings, book, clock, ring)


@contextmanager
def open_books_to_read(settings: Settings) -> Iterator[Books]:
    """Open the books to look at them, which keeps nobody from writing.

    Raises: as `bootstrap.installation.open_installation` does; Misconfigured when the database has gone.
    """
    miss_no_database(settings)
    clock = SystemClock()
    with open_installation(settings, clock) as (store, ring), store.read() as book:
        yield _make_books(settings, book, clock, ring)


def _make_books(settings: Settings, book: StoredBooks, clock: Clock, ring: SecretRing) -> Books:
    return Books(
        accounts=book,
        calls=book,
        catalog=book,
        prices=book,
        offers=book,
        fixed=Fixed(settings.entries, (SEEDLING,)),
        clock=clock,
        ring=ring,
        proof=book,
    )
