"""Key cache: whose key a text is, remembered for as long as nothing changes."""

import hashlib

from setaria.core.errors import Unauthenticated, Unavailable
from setaria.core.ids import KeyId
from setaria.domain.accounts.keys import KeyFault, KeySecret, read_key
from setaria.domain.accounts.ports import KeyDirectory
from setaria.domain.accounts.records import Caller, KeyUse

MAX_CACHED_KEYS = 100_000


class KeyCache:
    """Remembers whose key a text is, by its SHA-256.

    It is emptied whenever anything changes, so that a revoked key dies within a second.

    `fresh` is kept by the job that reads the change counter: without news for too long nothing is believed any more.
    """

    def __init__(self, directory: KeyDirectory, secrets: tuple[KeySecret, ...]) -> None:
        self._directory = directory
        self._secrets = secrets
        self._callers: dict[bytes, Caller | None] = {}
        self._generation = 0
        self._used: dict[KeyId, tuple[Caller, int]] = {}
        self._unwritten: list[KeyUse] = []
        self.fresh = True

    async def find(self, text: str) -> Caller | None:
        """Find whose key this is; None when nobody's.

        Raises: Unauthenticated when the text is no key at all, Unavailable when it can't be known now.
        Cost: one digest and a dictionary look-up when the key is known.
        """
        if not self.fresh:
            raise Unavailable("keys can't be checked now; try again", retry_after_s=1)
        mark = hashlib.sha256(text.encode()).digest()
        caller = self._callers.get(mark)
        if caller is not None or mark in self._callers:
            return caller
        digest = read_key(self._secrets, text)
        if isinstance(digest, KeyFault):
            raise Unauthenticated(f"Invalid API Key: {digest.value}")
        return await self._look_up(mark, digest)

    async def _look_up(self, mark: bytes, digest: bytes) -> Caller | None:
        generation = self._generation
        caller = await self._directory.find_caller(digest)
        if generation == self._generation:
            if len(self._callers) >= MAX_CACHED_KEYS:
                self._callers.clear()
            self._callers[mark] = caller
        return caller

    def note_use(self, caller: Caller, at_ms: int) -> None:
        """Remember when a key was last used.

        Cost: hot path; 0.2 us.
        """
        self._used[caller.key_id] = (caller, at_ms)

    def take_uses(self) -> list[KeyUse]:
        """Give the keys that were used since this was last asked."""
        uses = {use.key_id: use for use in self._unwritten}
        for caller, at_ms in self._used.values():
            uses[caller.key_id] = KeyUse(caller.account_id, caller.key_id, at_ms)
        self._used, self._unwritten = {}, []
        return list(uses.values())

    def put_back(self, uses: list[KeyUse]) -> None:
        """Take back what could not be written; a use since then counts more."""
        self._unwritten = uses

    def forget(self) -> None:
        """Empty the cache: something changed."""
        self._generation += 1
        self._callers.clear()
