"""Contract of the control plane's store: the same promises on SQLite and on PostgreSQL."""

import asyncio
import contextlib

import msgspec
import pytest
from sqlalchemy import exc

from setaria.adapters.store.control.engine import mapped_errors
from setaria.adapters.store.control.store import ControlStore
from setaria.core.errors import InternalError, InvalidRequest, Misconfigured, OwnError, SetariaError, Unavailable
from setaria.core.ids import AccountId, KeyId
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Account, KeyRules
from setaria.domain.ledger.records import CallRecord, GroupBy, UsageRow
from tests.adapters.store.samples import ACCOUNT, AT_MS, DAY_MS, KEY, add_account_and_key, make_call, opened

OTHER = Account(AccountId("acct_2"), "other", "active", AT_MS + 1)
OTHER_KEY = msgspec.structs.replace(KEY, id=KeyId("key_2"), account_id=OTHER.id, name="second", digest=b"e" * 32)


def record(url: str, calls: list[CallRecord]) -> None:
    """Write calls as the data plane does."""

    async def run() -> None:
        async with opened(url) as store:
            await asyncio.gather(*map(store.record, calls))

    asyncio.run(run())


def test_accounts_and_keys_are_kept(control: ControlStore) -> None:
    """What was added is listed, oldest first, and found by id, an account by its name too."""
    with control.begin() as books:
        books.add_account(OTHER)
        books.add_account(ACCOUNT)
        books.add_key(OTHER_KEY)
        books.add_key(KEY)
    with control.read() as books:
        assert books.list_accounts() == [ACCOUNT, OTHER]
        assert books.list_keys(None) == [KEY, OTHER_KEY]
        assert books.list_keys(OTHER.id) == [OTHER_KEY]
        assert [books.find_account(word) for word in ("acct_1", "other", "nobody")] == [ACCOUNT, OTHER, None]
        assert [books.find_key(word) for word in ("key_1", "first")] == [KEY, None]


def test_no_name_hides_an_account(control: ControlStore) -> None:
    """An account that is named like another's id does not stand in its place."""
    with control.begin() as books:
        books.add_account(ACCOUNT)
        books.add_account(Account(OTHER.id, ACCOUNT.id, "active", 1))
    with control.read() as books:
        assert books.find_account(ACCOUNT.id) == ACCOUNT


def test_a_name_is_taken_once(control: ControlStore) -> None:
    """A second account of the same name is the caller's mistake, and nothing of its transaction stays."""
    add_account_and_key(control)

    def add_key_and_account() -> None:
        with control.begin() as books:
            books.add_key(msgspec.structs.replace(OTHER_KEY, account_id=ACCOUNT.id))
            books.add_account(Account(OTHER.id, "default", "active", 1))

    with pytest.raises(InvalidRequest, match="name exists already"):
        add_key_and_account()
    with control.read() as books:
        assert (books.list_accounts(), books.list_keys(None)) == ([ACCOUNT], [KEY])


def test_a_key_needs_its_account(control: ControlStore) -> None:
    """A key of an account that is not there is refused."""
    with pytest.raises(InternalError), control.begin() as books:
        books.add_key(KEY)


def test_an_error_rolls_back(control: ControlStore) -> None:
    """A transaction that ends in an error of whoever opened it changes nothing."""

    def add_account_and_fail() -> None:
        with control.begin() as books:
            books.add_account(ACCOUNT)
            raise LookupError

    with pytest.raises(LookupError):
        add_account_and_fail()
    with control.read() as books:
        assert books.list_accounts() == []


def test_looking_changes_nothing(control: ControlStore) -> None:
    """In a transaction that was opened to read nothing can be written."""
    with pytest.raises(OwnError), control.read() as books:
        books.add_account(ACCOUNT)
    with control.read() as books:
        assert books.list_accounts() == []


def test_a_key_is_changed_by_its_own_account_only(control: ControlStore) -> None:
    """Another account's key stays as it is; of one's own all is written but when it was last used."""
    add_account_and_key(control)
    changed = msgspec.structs.replace(
        KEY,
        revoked_at_ms=7,
        expires_at_ms=8,
        disabled_at_ms=9,
        rules=KeyRules(("seedling",), ("10.0.0.0/8",), 5),
    )
    with control.begin() as books:
        books.change_key(msgspec.structs.replace(changed, account_id=OTHER.id))
        assert books.find_key(KEY.id) == KEY
        books.change_key(msgspec.structs.replace(changed, last_used_at_ms=1))
        assert changed == books.find_key(KEY.id)


def test_a_deleted_key_is_listed_no_more(control: ControlStore) -> None:
    """It is neither found nor listed; the calls made with it still bear its name."""
    add_account_and_key(control)
    with control.begin() as books:
        books.change_key(msgspec.structs.replace(KEY, deleted_at_ms=7))
        assert (books.find_key(KEY.id), books.list_keys(None)) == (None, [])


def test_calls_are_listed_newest_first(url: str, control: ControlStore) -> None:
    """The newest calls come first, of all accounts or of one, and no more than were asked for."""
    add_account_and_key(control)
    calls = [make_call(AT_MS + second * 1000) for second in range(4)]
    calls[1] = msgspec.structs.replace(calls[1], account_id=OTHER.id, key_id=OTHER_KEY.id)
    record(url, calls)
    with control.read() as books:
        assert [calls[3], calls[2], calls[1]] == [row.call for row in books.list_calls(None, 3)]
        assert [calls[3], calls[2], calls[0]] == [row.call for row in books.list_calls(ACCOUNT.id, 10)]
        rows = books.list_calls(OTHER.id, 10)
        assert [(row.account_name, row.key_name) for row in rows] == [("", "")]


@pytest.mark.parametrize(
    "group_by, account_id, expected",
    [
        ("day", None, [("2026-11-23", "2026-11-23", 2, 20), ("2026-11-24", "2026-11-24", 2, 70)]),
        ("day", OTHER.id, [("2026-11-24", "2026-11-24", 1, 40)]),
        ("model", None, [("big", "big", 1, 30), ("seedling", "seedling", 3, 60)]),
        ("key", None, [("key_1", "first", 3, 50), ("key_2", "key_2", 1, 40)]),
    ],
)
def test_usage_is_summed(
    url: str, control: ControlStore, group_by: GroupBy, account_id: AccountId | None, expected: list[tuple]
) -> None:
    """Calls from the first moment up to, and without, the last are summed by UTC day, model or key, in order."""
    add_account_and_key(control)
    moments = {-1: 1, 0: 5, DAY_MS - 1: 15, DAY_MS: 30, 2 * DAY_MS - 1: 40, 2 * DAY_MS: 100}
    calls = [make_call(AT_MS + at, usage=Usage(n, n, n, n, n), charge_nano=n) for at, n in moments.items()]
    calls[3] = msgspec.structs.replace(calls[3], model="big")
    calls[4] = msgspec.structs.replace(calls[4], account_id=OTHER.id, key_id=OTHER_KEY.id)
    record(url, calls)
    rows = [UsageRow(group, name, count, Usage(n, n, n, n, n), n) for group, name, count, n in expected]
    with control.read() as books:
        assert rows == books.sum_usage(group_by, AT_MS, AT_MS + 2 * DAY_MS, account_id)


def test_sums_beyond_32_bits_are_whole_numbers(url: str, control: ControlStore) -> None:
    """Large sums come back as integers, to the unit."""
    record(url, [make_call(charge_nano=2**61), make_call(charge_nano=2**61 + 1)])
    with control.read() as books:
        (row,) = books.sum_usage("model", AT_MS, AT_MS + 1, None)
    assert (int, 2**62 + 1) == (type(row.charge_nano), row.charge_nano)


def test_the_database_belongs_to_one_secret(control: ControlStore) -> None:
    """The first secret's fingerprint is kept; the same is welcome again, another is refused by name."""
    control.ensure_installation("aaaa", AT_MS)
    control.ensure_installation("aaaa", AT_MS + 1)
    with pytest.raises(Misconfigured, match="server secret aaaa, but the one in use is bbbb"):
        control.ensure_installation("bbbb", AT_MS + 2)


def test_a_secret_and_a_file_are_looked_at_without_a_change(control: ControlStore) -> None:
    """A database without a secret belongs to any, also when it was asked; a whole file is well, as PostgreSQL is."""
    for fingerprint in ("bbbb", "aaaa"):
        control.check_secret(fingerprint)
    control.ensure_installation("aaaa", AT_MS)
    control.check_secret("aaaa")
    with pytest.raises(Misconfigured, match="server secret aaaa, but the one in use is bbbb"):
        control.check_secret("bbbb")
    control.check_file()


def test_a_text_that_no_database_keeps_is_the_callers_mistake(control: ControlStore) -> None:
    """A name that is no Unicode text is refused as such."""
    with pytest.raises(InvalidRequest), control.begin() as books:
        books.add_account(Account(ACCOUNT.id, "\ud800", "active", 1))


def test_a_database_without_tables_is_told(empty_url: str) -> None:
    """Reading a database that was never upgraded is an error of ours."""
    control = ControlStore(empty_url)
    with contextlib.closing(control), pytest.raises(OwnError), control.read() as books:
        books.list_accounts()


@pytest.mark.parametrize("url", ["postgresql://:bad port@host:x/y", "postgresql"])
def test_a_bad_url_is_told_without_its_password(url: str) -> None:
    """A URL that can't be read is refused with the form it must have."""
    with pytest.raises(Unavailable, match="postgresql://user:password@host/name"):
        ControlStore(url)


def every_error() -> list[type[exc.SQLAlchemyError]]:
    """List SQLAlchemy's errors of execution."""
    return [exc.DBAPIError, *exc.DBAPIError.__subclasses__(), *exc.DatabaseError.__subclasses__()]


@pytest.mark.parametrize("kind", every_error())
def test_every_database_error_is_mapped(kind: type[exc.DBAPIError]) -> None:
    """No error of a database leaves the store under its own name."""
    with pytest.raises(SetariaError), mapped_errors():
        raise kind("statement", {}, Exception("words"))
