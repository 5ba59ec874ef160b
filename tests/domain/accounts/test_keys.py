"""Keys: making and reading the text of an API key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.ids import BASE62, AccountId
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.keys import KeyFault, KeySecret, key_secrets_from_ring, make_key, read_key

OLD = key_secrets_from_ring(SecretRing({"old": bytes(range(32))}))
BOTH = key_secrets_from_ring(SecretRing({"old": bytes(range(32)), "new": bytes(range(32, 64))}))
OTHER = key_secrets_from_ring(SecretRing({"old": bytes(range(1, 33))}))
ACCOUNT = AccountId("acct_0000000000000001")


def test_a_key_has_the_agreed_form() -> None:
    """A key is `sk-` and 38 base62 characters; kept are digest, secret id and the last 4."""
    key, text = make_key(BOTH, ACCOUNT, "laptop", 1_000)
    assert re.fullmatch("sk-[0-9A-Za-z]{38}", text)
    assert (key.account_id, key.name, key.lane, key.secret_id) == (ACCOUNT, "laptop", "payg", "new")
    assert (key.last4, key.created_at_ms, key.revoked_at_ms) == (text[-4:], 1_000, None)
    assert len(key.digest) == 32


def test_a_plan_s_key_is_told_by_its_first_letters() -> None:
    """It begins with `tp-`, has as many characters, and is no key of the other lane with other letters before it."""
    key, text = make_key(BOTH, ACCOUNT, "plan", 1_000, "plan")
    assert re.fullmatch("tp-[0-9A-Za-z]{38}", text)
    assert (key.lane, read_key(BOTH, text)) == ("plan", key.digest)
    assert read_key(BOTH, f"sk-{text[3:]}") == KeyFault.MISTYPED


@pytest.mark.parametrize("makers", [OLD, BOTH])
def test_keys_of_every_secret_on_the_ring_are_read(makers: tuple[KeySecret, ...]) -> None:
    """A key made before the ring grew stays good."""
    key, text = make_key(makers, ACCOUNT, "laptop", 1_000)
    assert read_key(BOTH, text) == key.digest


def test_a_key_of_another_server_is_refused_without_a_query() -> None:
    """The checksum needs the server's secret, so nobody can make one up."""
    _, text = make_key(OTHER, ACCOUNT, "laptop", 1_000)
    assert read_key(BOTH, text) == KeyFault.MISTYPED


@given(st.integers(3, 40), st.sampled_from(BASE62))
def test_one_wrong_character_is_told(position: int, character: str) -> None:
    """A key with any one character changed is told as mistyped."""
    key, text = make_key(BOTH, ACCOUNT, "laptop", 1_000)
    changed = text[:position] + character + text[position + 1 :]
    assert read_key(BOTH, changed) == (key.digest if changed == text else KeyFault.MISTYPED)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("sk-i2cBGphZvaZNkuFvFSMaXxXx94BZDoVZZzyc61", KeyFault.MISTYPED),
        ("sk-" + "xX" * 19, KeyFault.PLACEHOLDER),
        ("sk-rApkcFS8UyOcjI4Y7b2q", KeyFault.MISTYPED),
        ("sk-" + "1" * 38, KeyFault.MISTYPED),
        ("sk-" + "1" * 39, KeyFault.MISTYPED),
        ("sk-" + "1" * 38 + "\n", KeyFault.FOREIGN),
        ("", KeyFault.PLACEHOLDER),
        ("sk-", KeyFault.PLACEHOLDER),
        ("sk-...", KeyFault.PLACEHOLDER),
        ("sk-…", KeyFault.PLACEHOLDER),
        ("sk-xxxxx", KeyFault.PLACEHOLDER),
        ("sk-xxx", KeyFault.PLACEHOLDER),
        ("$SETARIA_KEY", KeyFault.PLACEHOLDER),
        ("YOUR_API_KEY", KeyFault.PLACEHOLDER),
        ("<key>", KeyFault.PLACEHOLDER),
        ("EMPTY", KeyFault.PLACEHOLDER),
        ("tp-" + "1" * 38, KeyFault.MISTYPED),
        ("tp-xxxx", KeyFault.PLACEHOLDER),
        ("sk-ant-api03-1234", KeyFault.FOREIGN),
        ("sk-proj-1234", KeyFault.FOREIGN),
        ("sk-é" + "1" * 37, KeyFault.FOREIGN),
        ("\ud800", KeyFault.FOREIGN),
        ("hello", KeyFault.FOREIGN),
    ],
)
def test_what_is_no_key_is_told_apart(text: str, expected: KeyFault) -> None:
    """A caller hears whether the key is cut off, an example's placeholder, or somebody else's."""
    assert read_key(BOTH, text) == expected


def test_no_message_holds_a_secret() -> None:
    """What is printed of a secret is its id."""
    assert repr(OLD) == "(KeySecret(old),)"
