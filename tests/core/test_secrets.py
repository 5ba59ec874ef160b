"""Secrets: the ring and its sub-keys."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from setaria.core.secrets import SecretRing, derive_key

OLD = bytes(range(32))
NEW = bytes(range(32, 64))

# RFC 5869 appendix A, the cases for SHA-256: input key, salt, info, derived key.
VECTORS = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    (
        "0b" * 22,
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize("secret, salt, info, expected", VECTORS)
def test_the_vectors_of_the_rfc(secret: str, salt: str, info: str, expected: str) -> None:
    """Keys are derived as RFC 5869 shows."""
    derived = derive_key(
        bytes.fromhex(secret),
        salt=bytes.fromhex(salt),
        info=bytes.fromhex(info),
        size_bytes=len(expected) // 2,
    )
    assert derived.hex() == expected


@settings(max_examples=50)
@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=100), st.integers(1, 300))
def test_any_key_is_the_library_s(secret: bytes, salt: bytes, info: bytes, size_bytes: int) -> None:
    """Whatever goes in, the cryptography library derives the same key."""
    expected = HKDF(SHA256(), size_bytes, salt, info).derive(secret)
    assert derive_key(secret, salt=salt, info=info, size_bytes=size_bytes) == expected


def test_a_key_too_long_is_refused() -> None:
    """More than 255 digests can't be derived."""
    assert len(derive_key(OLD, salt=b"", info=b"", size_bytes=8160)) == 8160
    with pytest.raises(ValueError, match="at most 8160 bytes, not 8161"):
        derive_key(OLD, salt=b"", info=b"", size_bytes=8161)


def test_sub_keys_differ_by_secret_and_purpose() -> None:
    """Each secret gives another key for each purpose, always the same one."""
    ring = SecretRing({"old": OLD, "new": NEW})
    sub_keys = {ring.sub_key(secret, purpose) for secret in ("old", "new") for purpose in ("a", "b")}
    assert {len(each) for each in sub_keys} == {32}
    assert len(sub_keys) == 4
    assert ring.sub_key("old", "a") == SecretRing({"old": OLD}).sub_key("old", "a")


def test_the_newest_secret_is_the_last() -> None:
    """The ring keeps its order."""
    ring = SecretRing({"b": OLD, "a": NEW})
    assert (ring.ids, ring.newest_id) == (("b", "a"), "a")


def test_the_fingerprint_stays_as_the_ring_grows() -> None:
    """A ring with a new secret has the fingerprint it had; another ring has another."""
    fingerprint = SecretRing({"old": OLD}).fingerprint()
    assert SecretRing({"old": OLD, "new": NEW}).fingerprint() == fingerprint
    assert SecretRing({"old": NEW}).fingerprint() != fingerprint
    assert len(fingerprint) == 16


@pytest.mark.parametrize(
    "secrets, problem",
    [({}, "at least one secret"), ({"old": OLD, "short": b"x" * 31}, "secret short has 31 bytes instead of 32")],
)
def test_a_ring_of_bad_secrets_is_refused(secrets: dict[str, bytes], problem: str) -> None:
    """A ring has secrets, and all have their full length."""
    with pytest.raises(ValueError, match=problem):
        SecretRing(secrets)


def test_a_ring_does_not_show_its_secrets() -> None:
    """What is printed of a ring are its ids."""
    assert repr(SecretRing({"old": OLD})) == "SecretRing(ids=('old',))"
