"""Secrets: the ring of server secrets, and the sub-keys made from them.

The ring grows at its end: new marks and keys are made with the newest secret, what older secrets made stays good as
long as they are on the ring. No secret is used itself, only sub-keys of it, one per purpose.
"""

import hashlib
import hmac
from collections.abc import Mapping

SECRET_BYTES = 32

_SUB_KEY_BYTES = 32
_DIGEST_BYTES = hashlib.sha256().digest_size
_MAX_BLOCKS = 255
_FINGERPRINT_DIGITS = 16


class SecretRing:
    """The server's secrets by id, newest last; never shown, not even by `repr`."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        """Take the secrets, newest last.

        Raises: ValueError when there is none, or one is not `SECRET_BYTES` long.
        """
        if not secrets:
            raise ValueError("a ring needs at least one secret")
        for secret_id, secret in secrets.items():
            if len(secret) != SECRET_BYTES:
                raise ValueError(f"secret {secret_id} has {len(secret)} bytes instead of {SECRET_BYTES}")
        self._secrets = dict(secrets)
        self.ids = tuple(secrets)
        self.newest_id = self.ids[-1]

    def __repr__(self) -> str:
        return f"SecretRing(ids={self.ids})"

    def sub_key(self, secret_id: str, purpose: str) -> bytes:
        """Make the 32 bytes that one secret gives for one purpose; the same ones every time.

        Raises: KeyError when the ring has no such secret.
        """
        return derive_key(self._secrets[secret_id], salt=b"", info=purpose.encode(), size_bytes=_SUB_KEY_BYTES)

    def fingerprint(self) -> str:
        """Tell the ring from others without telling a secret: 16 hex digits of its oldest, the same as it grows."""
        return self.sub_key(self.ids[0], "fingerprint").hex()[:_FINGERPRINT_DIGITS]


def derive_key(secret: bytes, *, salt: bytes, info: bytes, size_bytes: int) -> bytes:
    """Derive a key by HKDF with SHA-256.

    Raises: ValueError when more than 255 digests (8,160 bytes) are asked for.
    Source: RFC 5869, read November 2026. Written out here because the library that has it takes 8.4 MB of memory in
    every process, for twelve lines.
    """
    if size_bytes > _MAX_BLOCKS * _DIGEST_BYTES:
        raise ValueError(f"HKDF gives at most {_MAX_BLOCKS * _DIGEST_BYTES} bytes, not {size_bytes}")
    extracted = hmac.digest(salt or bytes(_DIGEST_BYTES), secret, "sha256")
    derived = block = b""
    counter = 0
    while len(derived) < size_bytes:
        counter += 1
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        derived += block
    return derived[:size_bytes]
