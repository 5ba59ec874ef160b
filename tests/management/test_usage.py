"""Usage: periods, sums and the shapes of what is shown."""

import msgspec
import pytest

from setaria.core.errors import InvalidRequest, NotFound
from setaria.core.ids import AccountId, CallId, KeyId
from setaria.core.usage import Usage
from setaria.domain.accounts.records import Key
from setaria.domain.ledger.records import CallRecord, CallRow, UsageRow
from setaria.management.accounts import create_account
from setaria.management.shapes import shape_account, shape_call, shape_key, shape_new_key, shape_usage
from setaria.management.usage import Period, list_calls, read_period, report_usage
from tests.fakes.account_book import FakeAccountBook
from tests.fakes.call_book import FakeCallBook
from tests.fakes.clock import FakeClock
from tests.fakes.purse_book import FakePurseBook

NOW_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
DAY_MS = 86_400_000
ROWS = [
    UsageRow("2026-11-21", "2026-11-21", 2, Usage(10, 20, 30, 40, 15), 500_000_000),
    UsageRow("2026-11-22", "2026-11-22", 1, Usage(1, 2, 3, 4, 0), 1),
]
CALL = CallRecord(
    id=CallId("0" * 32),
    at_ms=NOW_MS,
    account_id=AccountId("acct_1"),
    key_id=KeyId("key_1"),
    model="seedling",
    protocol="openai_chat",
    upstream="local",
    stream=True,
    status=200,
    ending="completed",
    counts_from="upstream",
    usage=Usage(1, 2, 3, 4, 2),
    charge_nano=1_500_000,
    first_token_ms=None,
    duration_ms=12,
    attempts=1,
)


@pytest.mark.parametrize(
    "begin, end, expected",
    [
        (None, None, Period(NOW_MS + 1 - 30 * DAY_MS, NOW_MS + 1)),
        ("2026-11-22", None, Period(NOW_MS - DAY_MS, NOW_MS + 1)),
        ("2026-11-22", "2026-11-22", Period(NOW_MS - DAY_MS, NOW_MS)),
        ("2026-11-22T23:00:00Z", "2026-11-23T00:00:00.250Z", Period(NOW_MS - DAY_MS // 24, NOW_MS + 250)),
        ("2026-11-22T23:00", "2026-11-23T08:00+08:00", Period(NOW_MS - DAY_MS // 24, NOW_MS)),
        (None, "2026-11-22", Period(NOW_MS - 30 * DAY_MS, NOW_MS)),
        ("1970-01-01", "1970-01-01", Period(0, DAY_MS)),
        (None, "1970-01-01", Period(0, DAY_MS)),
        ("2026-11-22", "9999-12-30", Period(NOW_MS - DAY_MS, 253_402_214_400_000)),
    ],
)
def test_periods_are_read_in_utc(begin: str | None, end: str | None, expected: Period) -> None:
    """A day as the end is included, a moment is not; without an offset both are in UTC."""
    assert read_period(begin, end, NOW_MS) == expected


@pytest.mark.parametrize(
    "begin, end, param",
    [
        ("yesterday", None, "from"),
        (None, "2026-13-01", "to"),
        ("", None, "from"),
        ("2026-11-23", "2026-11-21", "to"),
        ("2027-01-01", None, "to"),
        ("1969-12-31", None, "from"),
        ("0001-01-01T00:00:00+05:00", None, "from"),
        (None, "0001-01-01T00:00:00+05:00", "to"),
        (None, "9999-12-31", "to"),
        (None, "9999-12-31T00:00:01Z", "to"),
        (None, "9999-12-31T23:00:00-05:00", "to"),
    ],
)
def test_a_bad_period_is_refused(begin: str | None, end: str | None, param: str) -> None:
    """What can't be read, or ends before it begins, is told."""
    with pytest.raises(InvalidRequest) as refusal:
        read_period(begin, end, NOW_MS)
    assert refusal.value.param == param


def test_usage_is_summed_for_an_account() -> None:
    """The account may be given by name; the total is the sum of all rows."""
    accounts, calls = FakeAccountBook(), FakeCallBook([], ROWS)
    account = create_account(accounts, FakePurseBook(), FakeClock(), "Ann")
    report = report_usage(accounts, calls, "day", Period(1, 2), "Ann")
    assert calls.asked == [("day", 1, 2, account.id)]
    assert report.rows == ROWS
    assert report.total == UsageRow("total", "", 3, Usage(11, 22, 33, 44, 15), 500_000_001)


def test_calls_are_listed_for_an_account_or_all() -> None:
    """The account may be given by id."""
    row = CallRow(CALL, "Ann", "laptop")
    accounts, calls = FakeAccountBook(), FakeCallBook([row, row], [])
    account = create_account(accounts, FakePurseBook(), FakeClock(), "Ann")
    assert list_calls(accounts, calls, account.id, 1) == [row]
    assert list_calls(accounts, calls, None, 10_000) == [row, row]
    assert calls.asked == [(account.id, 1), (None, 10_000)]


def test_what_is_not_there_or_too_much_is_refused() -> None:
    """An unknown account and a limit out of range are told."""
    accounts, calls = FakeAccountBook(), FakeCallBook([], [])
    with pytest.raises(NotFound):
        report_usage(accounts, calls, "day", Period(1, 2), "Ann")
    with pytest.raises(NotFound):
        list_calls(accounts, calls, "Ann", 1)
    for limit in (0, 10_001):
        with pytest.raises(InvalidRequest, match=f"limit is {limit}; allowed: 1 to 10000"):
            list_calls(accounts, calls, None, limit)


def test_a_call_has_the_agreed_shape() -> None:
    """Ids first, moments in ISO 8601, money as a decimal string with its currency."""
    shape = msgspec.to_builtins(shape_call(CallRow(CALL, "Ann", "laptop"), "USD"))
    assert shape == {
        "id": "0" * 32,
        "at": "2026-11-23T00:00:00.000Z",
        "account": "acct_1",
        "key": "key_1",
        "model": "seedling",
        "protocol": "openai_chat",
        "upstream": "local",
        "stream": True,
        "status": 200,
        "ending": "completed",
        "counts_from": "upstream",
        "input_tokens": 1,
        "cached_input_tokens": 2,
        "cache_write_tokens": 3,
        "output_tokens": 4,
        "reasoning_tokens": 2,
        "lane": "payg",
        "cost": "0.0015",
        "currency": "USD",
        "credits": "0",
        "audio_seconds": 0,
        "searches": 0,
        "first_token_ms": None,
        "duration_ms": 12,
        "attempts": 1,
        "account_name": "Ann",
        "key_name": "laptop",
    }


def test_usage_has_the_agreed_shape() -> None:
    """The period stands beside rows and total; each row says its own currency."""
    report = report_usage(FakeAccountBook(), FakeCallBook([], ROWS[:1]), "day", Period(NOW_MS, NOW_MS + 1), None)
    row = {
        "calls": 2,
        "input_tokens": 10,
        "cached_input_tokens": 20,
        "cache_write_tokens": 30,
        "output_tokens": 40,
        "reasoning_tokens": 15,
        "cost": "0.50",
        "currency": "USD",
        "credits": "0",
        "audio_seconds": 0,
        "searches": 0,
    }
    assert msgspec.to_builtins(shape_usage(report, "USD")) == {
        "from": "2026-11-23T00:00:00.000Z",
        "to": "2026-11-23T00:00:00.001Z",
        "group_by": "day",
        "rows": [{"id": "2026-11-21", "name": "2026-11-21", **row}],
        "total": {"id": "total", "name": "", **row},
    }


def test_keys_and_accounts_have_the_agreed_shape() -> None:
    """A new key shows its text, a kept one only its end."""
    account = create_account(FakeAccountBook(), FakePurseBook(), FakeClock(), "Ann")
    key = Key(
        id=KeyId("key_1"),
        account_id=account.id,
        name="laptop",
        lane="payg",
        digest=b"",
        secret_id="a",
        last4="wxyz",
        created_at_ms=NOW_MS,
        revoked_at_ms=NOW_MS + 1,
    )
    about = {"id": "key_1", "name": "laptop", "account": account.id, "lane": "payg"}
    made = "2026-11-23T00:00:00.000Z"
    assert msgspec.to_builtins(shape_account(account)) == {
        "id": account.id,
        "name": "Ann",
        "status": "active",
        "email": "",
        "billing": "prepaid",
        "created_at": made,
    }
    assert msgspec.to_builtins(shape_new_key(key, "sk-1")) == {**about, "key": "sk-1", "created_at": made}
    assert msgspec.to_builtins(shape_key(key, "USD")) == {
        **about,
        "last4": "wxyz",
        "created_at": made,
        "revoked_at": "2026-11-23T00:00:00.001Z",
        "expires_at": None,
        "disabled_at": None,
        "last_used_at": None,
        "models": (),
        "networks": (),
        "cap": None,
        "currency": "USD",
        "subscription": "",
    }
