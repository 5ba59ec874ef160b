"""Codes: redeem codes, each worth an amount once; how they are made and read.

A code is 20 characters of base 32 (100 bits), in groups of five. Kept are a keyed digest and the last 4 characters, so
that who reads the database can redeem nothing. A code does not name the secret that it was made with: each of the ring
is tried.
"""

import hmac

import msgspec

from setaria.core.ids import BASE32, AccountId, random_base32
from setaria.core.secrets import SecretRing

_LENGTH = 20
_GROUP = 5
_LAST_LENGTH = 4
_PURPOSE = "redeem code digest"
_LOOKALIKES = str.maketrans("ILO", "110", "- ")
_ID_BYTES = 8


class Code(msgspec.Struct, frozen=True):
    """A redeem code as it is kept; `redeemed_by` is the id of the account that has got the amount."""

    digest: bytes
    batch: str
    last4: str
    amount_nano: int
    created_at_ms: int
    expires_at_ms: int | None = None
    redeemed_at_ms: int | None = None
    redeemed_by: AccountId | None = None

    @property
    def id(self) -> str:
        """What people call it by, which tells nothing of its text."""
        return f"code_{self.digest[:_ID_BYTES].hex()}"


class CodeTerms(msgspec.Struct, frozen=True):
    """What the codes of one batch are worth, and until when."""

    batch: str
    amount_nano: int
    created_at_ms: int
    expires_at_ms: int | None


def make_code(ring: SecretRing, terms: CodeTerms) -> tuple[Code, str]:
    """Make a new code with the newest secret.

    Gives: the code as it is kept, and its text, which is known only now.
    """
    plain = random_base32(_LENGTH)
    code = Code(
        digest=_digest(ring, ring.newest_id, plain),
        batch=terms.batch,
        last4=plain[-_LAST_LENGTH:],
        amount_nano=terms.amount_nano,
        created_at_ms=terms.created_at_ms,
        expires_at_ms=terms.expires_at_ms,
    )
    return code, "-".join(plain[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def read_code(ring: SecretRing, text: str) -> tuple[bytes, ...]:
    """Give the digests that a code of this text may be kept under, newest secret first; none when it can't be a code.

    Small letters, spaces and dashes make no difference, nor do I, L and O in the place of 1, 1 and 0.
    """
    plain = text.upper().translate(_LOOKALIKES)
    if len(plain) != _LENGTH or not set(plain) <= set(BASE32):
        return ()
    return tuple(_digest(ring, secret_id, plain) for secret_id in reversed(ring.ids))


def _digest(ring: SecretRing, secret_id: str, plain: str) -> bytes:
    return hmac.digest(ring.sub_key(secret_id, _PURPOSE), plain.encode(), "sha256")
