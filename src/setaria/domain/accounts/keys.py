"""Keys: the text of an API key, how it is made and what it tells before anybody is asked.

A key is `sk-` (pay as you go) or `tp-` (a plan), 32 random base62 characters (190 bits) and 6 of a checksum keyed with
the server's secret, so that a mistyped or forged key costs no query. Kept are a keyed digest and the last 4 characters.
A key does not name the secret it was made with: each secret of the ring is tried.
"""

import hmac
import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

import msgspec

from setaria.core.ids import BASE62, AccountId, new_key_id, random_base62
from setaria.core.protocol import Lane
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.records import Key

_PREFIXES: Mapping[Lane, str] = MappingProxyType({"payg": "sk-", "plan": "tp-"})
_PREFIX_LENGTH = 3
_RANDOM_LENGTH = 32
_CHECKSUM_LENGTH = 6
_KEY_LENGTH = _PREFIX_LENGTH + _RANDOM_LENGTH + _CHECKSUM_LENGTH
_LAST_LENGTH = 4
_BASE62_FROM_BYTE = bytes(ord(BASE62[byte % len(BASE62)]) for byte in range(256))

_OURS = re.compile("(?:sk|tp)-[0-9A-Za-z]*")
_PLACEHOLDER = re.compile(
    r"\.\.\.|…|[<>{}$]|your|api[-_ ]?key|xxxx|\*\*\*|^((sk|tp)-)?x*$|^(empty|none|null)$", re.IGNORECASE
)
_ALL_X = re.compile("(sk|tp)-x*", re.IGNORECASE)
_LOOKED_AT = 200


class KeyFault(Enum):
    """Why a text can't be a key of this installation; the value says so to the caller."""

    PLACEHOLDER = "the API key is a placeholder from an example: put a real one in its place"
    MISTYPED = "the API key is mistyped or cut off: its checksum does not match; copy it again as a whole"
    FOREIGN = "the API key is not one of this server: its keys begin with sk- or tp- and have 41 characters"


class KeySecret(msgspec.Struct, frozen=True):
    """The two sub-keys that one secret of the ring gives for API keys."""

    secret_id: str
    checksum_key: bytes
    digest_key: bytes

    def __repr__(self) -> str:
        return f"KeySecret({self.secret_id})"


def key_secrets_from_ring(ring: SecretRing) -> tuple[KeySecret, ...]:
    """Prepare every secret of the ring for `make_key` and `read_key`, newest last."""
    return tuple(
        KeySecret(each, ring.sub_key(each, "key checksum"), ring.sub_key(each, "key digest")) for each in ring.ids
    )


def make_key(
    secrets: tuple[KeySecret, ...], account_id: AccountId, name: str, created_at_ms: int, lane: Lane = "payg"
) -> tuple[Key, str]:
    """Make a new key with the newest secret; its first letters tell its lane.

    Gives: the key as it is kept, and its text, which is known only now.
    """
    secret = secrets[-1]
    body = _PREFIXES[lane] + random_base62(_RANDOM_LENGTH)
    text = body + _checksum(secret, body)
    key = Key(
        id=new_key_id(),
        account_id=account_id,
        name=name,
        lane=lane,
        digest=_digest(secret, text),
        secret_id=secret.secret_id,
        last4=text[-_LAST_LENGTH:],
        created_at_ms=created_at_ms,
    )
    return key, text


def read_key(secrets: tuple[KeySecret, ...], text: str) -> bytes | KeyFault:
    """Give the digest that a key of this text is kept under, or why there can't be such a key.

    Cost: hot path; 5 us when the newest secret made it, 2 us more for each older one; no query.
    """
    is_whole = len(text) == _KEY_LENGTH and _OURS.fullmatch(text)
    if is_whole:
        body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
        for secret in reversed(secrets):
            if hmac.compare_digest(_checksum(secret, body), checksum):
                return _digest(secret, text)
    # Chance puts `xxxx` or `your` into a real key too: at full length only a key of nothing but x is a placeholder.
    if _ALL_X.fullmatch(text) if is_whole else _PLACEHOLDER.search(text[:_LOOKED_AT]):
        return KeyFault.PLACEHOLDER
    return KeyFault.MISTYPED if _OURS.fullmatch(text) else KeyFault.FOREIGN


def is_key_text(text: str) -> bool:
    """Tell whether a text begins as keys do, whole or not; ids begin otherwise."""
    return text.strip().startswith(tuple(_PREFIXES.values()))


def _checksum(secret: KeySecret, body: str) -> str:
    mark = hmac.digest(secret.checksum_key, body.encode(), "sha256")
    return mark[:_CHECKSUM_LENGTH].translate(_BASE62_FROM_BYTE).decode()


def _digest(secret: KeySecret, text: str) -> bytes:
    return hmac.digest(secret.digest_key, text.encode(), "sha256")
