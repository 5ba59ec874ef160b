"""Secret file: the server's secret ring as a private text file, one `id base64` per line, newest last."""

import base64
import binascii
import os
import stat
from pathlib import Path

from setaria.core.errors import Misconfigured
from setaria.core.ids import random_base62, random_bytes
from setaria.core.secrets import SECRET_BYTES, SecretRing

_ID_LENGTH = 6
_HEADER = "# Setaria's secrets, newest last. Whoever has them can forge keys; without them every key is void.\n"


def read_ring(file: Path) -> SecretRing:
    """Read the ring.

    Raises: Misconfigured when the file is missing, open to other users, or not of this form; FileNotFoundError never.
    """
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read()
    except FileNotFoundError:
        raise Misconfigured(f"the secret file {file} is missing; restore it from a backup") from None
    except OSError as error:
        raise Misconfigured(f"the secret file {file} can't be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise Misconfigured(f"the secret file {file} is open to other users; run: chmod 600 {file}")
    return _parse(content, file)


def create_ring(file: Path) -> SecretRing:
    """Make a ring with one new secret and keep it, or read the one that another process kept first.

    The file appears whole or not at all, and is on the disk when this returns.
    Raises: Misconfigured when it can't be written, and as `read_ring` does.
    """
    secret_id, secret = random_base62(_ID_LENGTH), random_bytes(SECRET_BYTES)
    draft = file.with_name(f".{file.name}-{secret_id}")
    text = f"{_HEADER}{secret_id} {base64.b64encode(secret).decode()}\n"
    try:
        _write_draft(draft, text.encode())
        try:
            os.link(draft, file)
            _sync_folder(file.parent)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise Misconfigured(f"the secret file {file} can't be written: {error.strerror}") from None
    return read_ring(file)


def _write_draft(draft: Path, content: bytes) -> None:
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:  # noqa: PTH123 - takes a descriptor
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse(content: bytes, file: Path) -> SecretRing:
    secrets: dict[str, bytes] = {}
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        secret = _decode(words[1]) if len(words) == 2 else b""  # noqa: PLR2004 - an id and a secret
        if len(secret) != SECRET_BYTES or not words[0].isalnum() or words[0] in secrets:
            raise Misconfigured(f"{file}:{number}: not an id of its own and the base64 of {SECRET_BYTES} bytes")
        secrets[words[0]] = secret
    if not secrets:
        raise Misconfigured(f"the secret file {file} is empty; restore it from a backup")
    return SecretRing(secrets)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
