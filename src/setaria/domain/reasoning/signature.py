"""Signature: a keyed mark on what a model thought, so that a block that comes back can be told from a foreign one."""

import hashlib
import hmac

from setaria.core.ids import AccountId
from setaria.core.signatures import write_signature


def sign_reasoning(secret: tuple[str, bytes], account_id: AccountId, model: str, digest: bytes) -> str:
    """Sign the thinking of one block.

    Takes: secret, id and key of the ring's secret in use; digest, SHA-256 of the thinking's UTF-8 text.
    Gives: text in the form of `core/signatures.py`, never empty. The mark is HMAC-SHA-256 over account, model and
    digest, each with its length before it.
    """
    secret_id, key = secret
    mark = hmac.new(key, digestmod=hashlib.sha256)
    for part in (account_id.encode(), model.encode(), digest):
        mark.update(len(part).to_bytes(4, "big"))
        mark.update(part)
    return write_signature(secret_id, mark.digest())
