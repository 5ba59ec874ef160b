"""Authenticate: find whose key a call came with."""

import hashlib

from setaria.core.errors import Forbidden, InvalidRequest, Unauthenticated, Unavailable
from setaria.domain.accounts.keys import KeyFault, KeySecret, read_key
from setaria.domain.accounts.ports import KeyDirectory
from setaria.domain.accounts.records import Caller
from setaria.gateway.stages import Identified, Received

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

    def forget(self) -> None:
        """Empty the cache: something changed."""
        self._generation += 1
        self._callers.clear()


async def authenticate(received: Received, keys: KeyCache) -> Identified:
    """Find whose call it is.

    Raises: Unauthenticated, Forbidden, Unavailable.
    """
    caller = await keys.find(one_credential(received.credentials))
    if caller is None:
        raise Unauthenticated(
            "Invalid API Key: this key is unknown or was revoked; make one with `setaria keys create`"
        )
    if caller.account_status != "active":
        raise Forbidden(f"this account is {caller.account_status}; ask whoever runs this platform")
    return Identified(received=received, caller=caller)


def one_credential(credentials: tuple[str, ...]) -> str:
    """Give the one key that the request's headers agree on.

    Raises: Unauthenticated when there is none, InvalidRequest when there are two different ones.
    """
    if not credentials:
        raise Unauthenticated(
            "Invalid API Key: the request has no key; send it as `Authorization: Bearer KEY`, `api-key: KEY` or "
            "`x-api-key: KEY`"
        )
    if any(other != credentials[0] for other in credentials[1:]):
        raise InvalidRequest("the request has two different keys; send one, in one header")
    return credentials[0]
