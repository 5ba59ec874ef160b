"""Actions: what people do with accounts, keys and an installation."""

import pytest

from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.keys import key_secrets_from_ring, read_key
from setaria.management.accounts import create_account, find_account, list_accounts
from setaria.management.installation import add_default_account, set_up_installation
from setaria.management.keys import create_key, list_keys, revoke_key
from tests.fakes.account_book import FakeAccountBook
from tests.fakes.clock import FakeClock

RING = SecretRing({"a": bytes(32)})


def test_an_account_is_made_and_found() -> None:
    """An account is found by its id and by its name."""
    book, clock = FakeAccountBook(), FakeClock()
    account = create_account(book, clock, "  Ann  ")
    assert (account.name, account.status, account.created_at_ms) == ("Ann", "active", clock.now_ms())
    assert [find_account(book, account.id), find_account(book, "Ann")] == [account, account]
    assert list_accounts(book) == [account]


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb", "a\x1b[1m", "\u202eabc"])
def test_a_name_is_short_and_printable(name: str) -> None:
    """A name that would spoil a table is refused."""
    with pytest.raises(InvalidRequest, match="a name has 1 to 100 printable characters"):
        create_account(FakeAccountBook(), FakeClock(), name)


def test_a_name_is_given_once() -> None:
    """Two accounts never have one name, and none has another one's id for a name."""
    book, clock = FakeAccountBook(), FakeClock()
    account = create_account(book, clock, "Ann")
    for taken in ("Ann", account.id):
        with pytest.raises(InvalidRequest, match="there is already an account"):
            create_account(book, clock, taken)


def test_a_key_is_made_for_an_account() -> None:
    """The text of a new key is read back to its digest; the key belongs to the account named."""
    book, clock = FakeAccountBook(), FakeClock()
    account = create_account(book, clock, "Ann")
    key, text = create_key(book, clock, RING, "Ann", "laptop")
    assert read_key(key_secrets_from_ring(RING), text) == key.digest
    assert (key.account_id, key.name) == (account.id, "laptop")


def test_keys_are_listed_by_account() -> None:
    """The keys of one account are its own; without one all are listed."""
    book, clock = FakeAccountBook(), FakeClock()
    create_account(book, clock, "Ann")
    create_account(book, clock, "Bob")
    anns, _ = create_key(book, clock, RING, "Ann", "laptop")
    bobs, _ = create_key(book, clock, RING, "Bob", "phone")
    assert list_keys(book, "Bob") == [bobs]
    assert list_keys(book, None) == [anns, bobs]


def test_a_key_is_revoked_once() -> None:
    """Revoking counts up the change counter; revoking again changes nothing."""
    book, clock = FakeAccountBook(), FakeClock()
    create_account(book, clock, "Ann")
    key, _ = create_key(book, clock, RING, "Ann", "laptop")
    clock.advance(5)
    revoked = revoke_key(book, clock, key.id)
    clock.advance(5)
    assert revoke_key(book, clock, key.id) == revoked
    assert revoked.revoked_at_ms == key.created_at_ms + 5_000
    assert book.changes == 1


def test_what_is_not_there_is_told() -> None:
    """An unknown account or key is named in the refusal."""
    book, clock = FakeAccountBook(), FakeClock()
    with pytest.raises(NotFound, match="there is no account 'Ann'"):
        create_key(book, clock, RING, "Ann", "laptop")
    with pytest.raises(NotFound, match="there is no account 'Ann'"):
        list_keys(book, "Ann")
    with pytest.raises(NotFound, match="there is no key 'key_1'"):
        revoke_key(book, clock, "key_1")


def test_an_installation_is_set_up_once() -> None:
    """The first start makes account and key, the second nothing."""
    book, clock = FakeAccountBook(), FakeClock()
    text = set_up_installation(book, clock, RING)
    assert text is not None
    assert [account.name for account in book.list_accounts()] == ["default"]
    assert [key.name for key in book.list_keys(None)] == ["first"]
    assert set_up_installation(book, clock, RING) is None
    assert len(book.list_keys(None)) == 1


def test_a_command_before_the_first_start_takes_no_key_away() -> None:
    """After a command has made the default account, the first start still makes the first key."""
    book, clock = FakeAccountBook(), FakeClock()
    add_default_account(book, clock)
    assert set_up_installation(book, clock, RING) is not None


def test_who_has_a_key_gets_no_first_one() -> None:
    """A key made by command before the first start is enough, even when it is revoked."""
    book, clock = FakeAccountBook(), FakeClock()
    add_default_account(book, clock)
    key, _ = create_key(book, clock, RING, "default", "mine")
    revoke_key(book, clock, key.id)
    assert set_up_installation(book, clock, RING) is None
