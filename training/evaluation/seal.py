"""Seal: a checksum over a whole test set, so that a change to it cannot go unseen."""

import hashlib
from pathlib import Path


def seal_of(folder: Path) -> str:
    """Give the checksum of all items in a folder: names and bytes of its files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.jsonl")):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
