"""Secret file: made once, private, read strictly."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from setaria.adapters.secrets.file import create_ring, read_ring
from setaria.core.errors import Misconfigured

GOOD = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(32, 64))).decode()


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write a secret file by hand."""
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_new_ring_is_private_and_stays(tmp_path: Path) -> None:
    """The file is for this user only, holds one secret, and nothing else is left beside it."""
    file = tmp_path / "secret"
    ring = create_ring(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert (len(ring.ids), read_ring(file).fingerprint()) == (1, ring.fingerprint())
    assert list(tmp_path.iterdir()) == [file]


def test_who_comes_second_reads_the_first_one_s(tmp_path: Path) -> None:
    """Processes that start together get one ring."""
    file = tmp_path / "secret"
    with ThreadPoolExecutor(8) as pool:
        fingerprints = {ring.fingerprint() for ring in pool.map(create_ring, [file] * 8)}
    assert fingerprints == {read_ring(file).fingerprint()}
    assert list(tmp_path.iterdir()) == [file]


def test_the_newest_secret_stands_last(tmp_path: Path) -> None:
    """Comments and empty lines are skipped, the order is kept."""
    ring = read_ring(write(tmp_path, f"# ours\n\nb {GOOD} # the first\r\na {OTHER}\n"))
    assert ring.ids == ("b", "a")


@pytest.mark.parametrize(
    "text, mode, problem",
    [
        (f"a {GOOD}\n", 0o640, "is open to other users; run: chmod 600"),
        (f"a {GOOD}\n", 0o604, "is open to other users; run: chmod 600"),
        ("", 0o600, "is empty; restore it from a backup"),
        ("# nothing\n", 0o600, "is empty; restore it from a backup"),
        (f"a {GOOD}\na {OTHER}\n", 0o600, "secret:2: not an id of its own"),
        (f"a {GOOD}\n{OTHER}\n", 0o600, "secret:2: not an id of its own"),
        (f"a {GOOD} x\n", 0o600, "secret:1: not an id of its own"),
        (f"a-b {GOOD}\n", 0o600, "secret:1: not an id of its own"),
        ("a AAAA\n", 0o600, "the base64 of 32 bytes"),
        ("a A\n", 0o600, "the base64 of 32 bytes"),
        ("é é\n", 0o600, "the base64 of 32 bytes"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, mode: int, problem: str) -> None:
    """The message says where and how to mend it, and never quotes the line."""
    with pytest.raises(Misconfigured, match=problem) as refusal:
        read_ring(write(tmp_path, text, mode))
    assert GOOD not in str(refusal.value)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file, a folder in its place and a folder that is missing are each told."""
    with pytest.raises(Misconfigured, match="is missing; restore it from a backup"):
        read_ring(tmp_path / "secret")
    with pytest.raises(Misconfigured, match="can't be read: Is a directory"):
        read_ring(tmp_path)
    with pytest.raises(Misconfigured, match="can't be written: No such file or directory"):
        create_ring(tmp_path / "nowhere" / "secret")
