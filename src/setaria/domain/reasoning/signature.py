"""Signature: a keyed mark on what a model thought, so that a block that comes back can be told from a foreign one."""

import base64
import hashlib
import hmac

from setaria.core.ids import AccountId

_VERSION = b"\x01"


def sign_reasoning(secret: tuple[str, bytes], account_id: AccountId, model: str, digest: bytes) -> str:
    """Sign the thinking of one block.

    Takes: secret, id and key of the ring's secret in use; digest, SHA-256 of the thinking's UTF-8 text.
    Gives: base64url text, never empty: a version byte, the length of the secret's id and the id, then 32 bytes of
    HMAC-SHA-256 over account, model and digest, each with its length before it.
    """
    secret_id, key = secret
    mark = hmac.new(key, digestmod=hashlib.sha256)
    for part in (account_id.encode(), model.encode(), digest):
        mark.update(len(part).to_bytes(4, "big"))
        mark.update(part)
    name = secret_id.encode()
    return base64.urlsafe_b64encode(_VERSION + len(name).to_bytes(1, "big") + name + mark.digest()).decode()
