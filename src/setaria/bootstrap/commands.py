"""Commands: what the command line needs to act on an installation, whether its server runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from setaria.adapters.store.control.store import Books as StoredBooks
from setaria.adapters.store.control.store import ControlStore
from setaria.bootstrap.catalog import SEEDLING
from setaria.bootstrap.dead_workers import give_up_dead_workers
from setaria.bootstrap.installation import open_installation
from setaria.bootstrap.missing_database import miss_no_database
from setaria.bootstrap.record_books import Books, make_books
from setaria.config import Settings
from setaria.core.clock import BlockingClock, SystemClock
from setaria.core.secrets import SecretRing
from setaria.domain.catalog.added import Fixed


class Desk:
    """An installation whose books can be opened again and again, each time for one transaction."""

    def __init__(self, settings: Settings, store: ControlStore, clock: BlockingClock, ring: SecretRing) -> None:
        self._settings = settings
        self._store = store
        self._ring = ring
        self.clock = clock

    @contextmanager
    def begin(self) -> Iterator[Books]:
        """Open the books to change them; all is kept when the `with` block ends and nothing when it fails."""
        with self._store.begin() as book:
            yield self._make_books(book)

    @contextmanager
    def read(self) -> Iterator[Books]:
        """Open the books to look at them, which keeps nobody from writing."""
        with self._store.read() as book:
            yield self._make_books(book)

    def _make_books(self, book: StoredBooks) -> Books:
        return make_books(book, Fixed(self._settings.entries, (SEEDLING,)), self.clock, self._ring)


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """Open an installation, which is made or brought up to date if need be, for actions that need leases home.

    What the workers of a server hold that was killed comes back before, where it is known that they are dead.
    Raises: as `bootstrap.installation.open_installation` does; Misconfigured when the database has gone.
    """
    miss_no_database(settings)
    clock = SystemClock()
    with open_installation(settings, clock) as (store, ring):
        give_up_dead_workers(settings, store)
        yield Desk(settings, store, clock, ring)


@contextmanager
def _open(settings: Settings) -> Iterator[Desk]:
    miss_no_database(settings)
    clock = SystemClock()
    with open_installation(settings, clock) as (store, ring):
        yield Desk(settings, store, clock, ring)


@contextmanager
def open_books(settings: Settings) -> Iterator[Books]:
    """Open an installation's books to change them, once; as `open_desk` does."""
    with _open(settings) as desk, desk.begin() as books:
        yield books


@contextmanager
def open_books_to_read(settings: Settings) -> Iterator[Books]:
    """Open an installation's books to look at them, once; as `open_desk` does."""
    with _open(settings) as desk, desk.read() as books:
        yield books
