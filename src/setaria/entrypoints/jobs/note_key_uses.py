"""Note key uses: writes once a minute when keys were last used, far from the path of a call."""

import contextlib

from setaria.core.errors import Unavailable
from setaria.domain.accounts.ports import KeyUseBook
from setaria.gateway.key_cache import KeyCache

PERIOD_S = 60.0


class KeyUseNotes:
    """Carries what a worker has seen of keys to the database.

    Order: `write` any number of times; `close` last, while the store is open.
    """

    def __init__(self, book: KeyUseBook, keys: KeyCache) -> None:
        self._book = book
        self._keys = keys

    async def write(self) -> None:
        """Write what was seen since the last time; nothing when no key was used.

        Raises: Unavailable when it could not be written; it is written the next time then.
        """
        uses = self._keys.take_uses()
        try:
            if uses:
                await self._book.note_key_uses(uses)
        except Unavailable:
            self._keys.put_back(uses)
            raise

    async def close(self) -> None:
        """Write the last of it, if the database is there."""
        with contextlib.suppress(Unavailable):
            await self.write()
