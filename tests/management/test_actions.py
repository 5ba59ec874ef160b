"""Actions: what people do with accounts, keys and an installation."""

import pytest

from setaria.core.errors import InvalidRequest, NotFound
from setaria.domain.accounts.keys import key_secrets_from_ring, read_key
from setaria.domain.accounts.records import Account
from setaria.management.accounts import create_account, find_account, list_accounts
from setaria.management.installation import add_default_account, set_up_installation
from setaria.management.keys import create_key, list_keys, revoke_key
from tests.fakes.books import RING, FakeBooks


def add_account(books: FakeBooks, name: str) -> Account:
    """Make an account of a name."""
    return create_account(books.accounts, books.purses, books.clock, name)


def test_an_account_is_made_and_found() -> None:
    """An account is found by its id and by its name."""
    books = FakeBooks()
    account = add_account(books, "  Ann  ")
    assert (account.name, account.status, account.created_at_ms) == ("Ann", "active", books.clock.now_ms())
    assert [find_account(books.accounts, account.id), find_account(books.accounts, "Ann")] == [account, account]
    assert list_accounts(books.accounts) == [account]


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb", "a\x1b[1m", "\u202eabc"])
def test_a_name_is_short_and_printable(name: str) -> None:
    """A name that would spoil a table is refused."""
    with pytest.raises(InvalidRequest, match="a name has 1 to 100 printable characters"):
        add_account(FakeBooks(), name)


def test_a_name_is_given_once() -> None:
    """Two accounts never have one name, and none has another one's id for a name."""
    books = FakeBooks()
    account = add_account(books, "Ann")
    for taken in ("Ann", account.id):
        with pytest.raises(InvalidRequest, match="there is already an account"):
            add_account(books, taken)


def test_a_key_is_made_for_an_account() -> None:
    """The text of a new key is read back to its digest; the key belongs to the account named."""
    books = FakeBooks()
    account = add_account(books, "Ann")
    key, text = create_key(books, "Ann", "laptop")
    assert read_key(key_secrets_from_ring(RING), text) == key.digest
    assert (key.account_id, key.name) == (account.id, "laptop")


def test_keys_are_listed_by_account() -> None:
    """The keys of one account are its own; without one all are listed."""
    books = FakeBooks()
    add_account(books, "Ann")
    add_account(books, "Bob")
    anns, _ = create_key(books, "Ann", "laptop")
    bobs, _ = create_key(books, "Bob", "phone")
    assert list_keys(books.accounts, books.keys, "Bob") == [bobs]
    assert list_keys(books.accounts, books.keys, None) == [anns, bobs]


def test_a_key_is_revoked_once() -> None:
    """Revoking counts up the change counter; revoking again changes nothing."""
    books = FakeBooks()
    add_account(books, "Ann")
    key, _ = create_key(books, "Ann", "laptop")
    books.clock.advance(5)
    revoked = revoke_key(books, key.id)
    books.clock.advance(5)
    assert revoke_key(books, key.id) == revoked
    assert revoked.revoked_at_ms == key.created_at_ms + 5_000
    assert books.accounts.changes == 1


def test_what_is_not_there_is_told() -> None:
    """An unknown account or key is named in the refusal."""
    books = FakeBooks()
    with pytest.raises(NotFound, match="there is no account 'Ann'"):
        create_key(books, "Ann", "laptop")
    with pytest.raises(NotFound, match="there is no account 'Ann'"):
        list_keys(books.accounts, books.keys, "Ann")
    with pytest.raises(NotFound, match="there is no key 'key_1'"):
        revoke_key(books, "key_1")


def test_an_installation_is_set_up_once() -> None:
    """The first start makes account and key, the second nothing."""
    books = FakeBooks()
    text = set_up_installation(books)
    assert text is not None
    assert [account.name for account in books.accounts.list_accounts()] == ["default"]
    assert [key.name for key in books.keys.list_keys(None)] == ["first"]
    assert set_up_installation(books) is None
    assert len(books.keys.list_keys(None)) == 1


def test_a_command_before_the_first_start_takes_no_key_away() -> None:
    """After a command has made the default account, the first start still makes the first key."""
    books = FakeBooks()
    add_default_account(books)
    assert set_up_installation(books) is not None


def test_who_has_a_key_gets_no_first_one() -> None:
    """A key made by command before the first start is enough, even when it is revoked."""
    books = FakeBooks()
    add_default_account(books)
    key, _ = create_key(books, "default", "mine")
    revoke_key(books, key.id)
    assert set_up_installation(books) is None
