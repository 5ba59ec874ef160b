"""Rules: what a key may do, beyond being good."""

import msgspec
import pytest

from setaria.core.ids import AccountId, KeyId
from setaria.domain.accounts.records import Caller, KeyRules
from setaria.domain.accounts.rules import doubt_key, may_come_from, may_use

CALLER = Caller(AccountId("acct_1"), "active", KeyId("key_1"), "payg")


def test_a_key_is_good_until_its_end() -> None:
    """At its end it is good no more, and the refusal says until when it was."""
    ending = msgspec.structs.replace(CALLER, key_expires_at_ms=1_795_392_000_000)
    assert doubt_key(ending, 1_795_391_999_999) == ""
    assert "was good until 2026-11-23T00:00:00.000Z" in doubt_key(ending, 1_795_392_000_000)


def test_a_disabled_key_is_not_good() -> None:
    """It can be enabled again, and the refusal says so."""
    assert "is disabled" in doubt_key(msgspec.structs.replace(CALLER, key_disabled_at_ms=1), 0)
    assert doubt_key(CALLER, 10**15) == ""


@pytest.mark.parametrize(
    "networks, peer, expected",
    [
        ((), "", True),
        (("10.0.0.0/8",), "10.255.0.1", True),
        (("10.0.0.0/8",), "11.0.0.1", False),
        (("192.0.2.7/32", "2001:db8::/32"), "2001:db8::1", True),
        (("192.0.2.7/32",), "::ffff:192.0.2.7", True),
        (("192.0.2.7/32",), "2001:db8::1", False),
        (("0.0.0.0/0",), "", False),
        (("0.0.0.0/0",), "unknown", False),
    ],
)
def test_where_calls_may_come_from(networks: tuple[str, ...], peer: str, expected: bool) -> None:
    """Without networks from anywhere, else from inside one of them, in either version of the protocol."""
    caller = msgspec.structs.replace(CALLER, rules=KeyRules(networks=networks))
    assert expected == may_come_from(caller, peer)


def test_which_models_may_be_used() -> None:
    """Without models all of them, else those that are named."""
    limited = msgspec.structs.replace(CALLER, rules=KeyRules(models=("a", "b")))
    assert [may_use(CALLER, "c"), may_use(limited, "b"), may_use(limited, "c")] == [True, True, False]
