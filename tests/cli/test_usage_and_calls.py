"""Usage and calls: their commands, on a real database with real calls."""

import asyncio
from pathlib import Path

import pytest

from setaria.config import load_settings, resolve_database_url
from setaria.core.usage import Usage
from setaria.domain.ledger.records import CallRecord
from tests.adapters.store.samples import AT_MS, DAY_MS, make_call, opened
from tests.cli.running import Run

HEAD = "day,name,calls,input_tokens,cached_input_tokens,cache_write_tokens,output_tokens,reasoning_tokens,cost,currency"
HEAD += ",credits,audio_seconds,searches"
SINCE = ("--from", "2026-11-01", "--to", "2026-11-30")


async def record(calls: list[CallRecord]) -> None:
    """Write calls as a worker does."""
    async with opened(resolve_database_url(load_settings(None, None))) as store:
        for call in calls:
            await store.record(call)


@pytest.fixture
def calls(run: Run) -> list[CallRecord]:
    """Put three calls of two days and two accounts into the database; oldest first."""
    account = run("accounts", "create", "ann", "--json").json()["id"]
    key = run("keys", "create", "--account", "ann", "--name", "laptop", "--json").json()["id"]
    written = [
        make_call(AT_MS - DAY_MS, usage=Usage(1, 2, 3, 4, 1), charge_nano=1),
        make_call(AT_MS, usage=Usage(10, 0, 0, 5, 0), charge_nano=500_000_000, account_id=account, key_id=key),
        make_call(AT_MS + 1, usage=Usage(20, 0, 0, 5, 0), charge_nano=0, model="other", first_token_ms=None),
    ]
    asyncio.run(record(written))
    return written


def test_without_calls_the_next_step_is_shown(run: Run, data: Path) -> None:
    """Empty lists are friendly, and as JSON or CSV well-formed."""
    assert run("calls", "list").out == "No calls yet; `setaria serve` shows how to make one.\n"
    assert run("usage").out == "No calls in this time; --from and --to choose another one.\n"
    assert run("calls", "list", "--json").json() == []
    assert run("usage", "--csv").out == f"{HEAD}\n"
    report = run("usage", "--json").json()
    assert (report["rows"], report["total"]["calls"], report["total"]["cost"]) == ([], 0, "0.00")


def test_calls_are_listed_newest_first(run: Run, calls: list[CallRecord]) -> None:
    """Each call has all its columns; the limit takes the newest."""
    listed = run("calls", "list", "--json").json()
    assert [call["id"] for call in listed] == [call.id for call in reversed(calls)]
    assert (listed[0]["first_token_ms"], listed[0]["cost"], listed[0]["currency"]) == (None, "0.00", "USD")
    assert (listed[1]["account_name"], listed[1]["key_name"]) == ("ann", "laptop")
    assert len(run("calls", "list", "--limit", "1", "--json").json()) == 1
    assert [call["id"] for call in run("calls", "list", "--account", "ann", "--json").json()] == [calls[1].id]


def test_a_call_is_shown_with_its_receipt(run: Run, calls: list[CallRecord]) -> None:
    """What it cost and why, as JSON and for people; the version of its price once it has one."""
    shown = run("calls", "show", calls[1].id, "--json").json()
    assert (shown["id"], shown["cost"], shown["currency"], shown["price"]) == (calls[1].id, "0.50", "USD", None)
    priced = make_call(AT_MS + 2, charge_nano=5, price_id="price_1", charges="al_1:5")
    asyncio.run(record([priced]))
    shown = run("calls", "show", priced.id, "--json").json()
    assert shown["paid"] == [{"id": "al_1", "purse": None, "amount": "0.000000005", "currency": "USD"}]
    text = run("calls", "show", priced.id).out
    assert "0.000000005 USD by a purse that is gone al_1" in text
    assert "the answer was whole" in text
    ran = run("calls", "show", "x")
    assert (ran.code, ran.out, ran.err) == (
        3,
        "",
        "setaria: there is no call 'x'; `setaria calls list` shows the newest\n",
    )


def test_a_receipt_names_the_price(run: Run, tmp_path: Path) -> None:
    """Its amounts and the factors that counted stand in lines of their own, in the installation's currency."""
    file = tmp_path / "prices.toml"
    file.write_text(
        'currency = "EUR"\n[[prices]]\nmodel = "seedling"\nfrom = 2026-01-01T00:00:00Z\ninput = "2"\noutput = "4"\n'
    )
    run("prices", "import", str(file))
    price = run("prices", "list", "--json").json()[0]["id"]
    call = make_call(charge_nano=5, price_id=price)
    asyncio.run(record([call]))
    text = " ".join(run("calls", "show", call.id).out.split())
    assert f"price {price} from 2026-01-01T00:00:00.000Z: input 2, cached 2, cache write 2, output 4 EUR per" in text
    assert "factors 1 for the input's length, 1 for the time" in text
    assert run("accounts", "topup", "default", "1", "--json").json()["currency"] == "EUR"


def test_calls_are_shown_as_a_table(run: Run, calls: list[CallRecord]) -> None:
    """People see the names they gave, all input as one number, and the cost."""
    table = run("calls", "list").out.splitlines()
    assert len(table) == 4
    expected = [calls[1].id, "2026-11-23T00:00:00.000Z", "ann", "laptop", "seedling", "200", "completed"]
    assert table[2].split() == [*expected, "10", "5", "0.50", "USD", "12", "345"]


def test_calls_of_a_plan_are_shown_in_credits(run: Run, data: Path) -> None:
    """So are their sums, beside what was paid in money; sound and searches are shown where there are any."""
    usage = Usage(1, audio_seconds=7, searches=3)
    paid = make_call(usage=usage, lane="plan", subscription_id="sub_1", charge_nano=0, charge_millicredits=2_500)
    assert run("calls", "list").code == 0
    asyncio.run(record([make_call(), paid]))
    table = run("calls", "list").out
    assert "2.5 credits" in table
    assert "0.00 USD" not in table
    plan, payg = sorted(run("calls", "list", "--json").json(), key=lambda call: call["lane"], reverse=True)
    assert (plan["lane"], plan["credits"], plan["audio_seconds"], plan["searches"]) == ("plan", "2.5", 7, 3)
    assert (payg["lane"], payg["credits"], payg["cost"]) == ("payg", "0", "0.000012345")
    total = run("usage", *SINCE, "--json").json()["total"]
    assert (total["cost"], total["credits"], total["audio_seconds"], total["searches"]) == ("0.000012345", "2.5", 7, 3)
    assert run("usage", *SINCE).out.splitlines()[0].endswith("CURRENCY  CREDITS  AUDIO SECONDS  SEARCHES")


def test_usage_is_summed_by_day(run: Run, calls: list[CallRecord]) -> None:
    """Days are rows in order, and the total is their sum."""
    report = run("usage", *SINCE, "--json").json()
    assert (report["from"], report["to"]) == ("2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z")
    assert report["group_by"] == "day"
    assert [(row["id"], row["calls"]) for row in report["rows"]] == [("2026-11-22", 1), ("2026-11-23", 2)]
    assert report["total"] == {
        "id": "total",
        "name": "",
        "calls": 3,
        "input_tokens": 31,
        "cached_input_tokens": 2,
        "cache_write_tokens": 3,
        "output_tokens": 14,
        "reasoning_tokens": 1,
        "cost": "0.500000001",
        "currency": "USD",
        "credits": "0",
        "audio_seconds": 0,
        "searches": 0,
    }


def test_usage_is_summed_by_model_and_key(run: Run, calls: list[CallRecord]) -> None:
    """A row is named by the model's id, or by the key's id and name."""
    models = run("usage", *SINCE, "--by", "model", "--json").json()["rows"]
    assert [(row["id"], row["calls"]) for row in models] == [("other", 1), ("seedling", 2)]
    keys = run("usage", *SINCE, "--by", "key", "--account", "ann", "--json").json()["rows"]
    assert [(row["id"], row["name"], row["calls"]) for row in keys] == [(calls[1].key_id, "laptop", 1)]


def test_usage_is_printed_for_people_and_spreadsheets(run: Run, calls: list[CallRecord]) -> None:
    """The table ends with the total; CSV has the rows alone, to be summed there."""
    table = run("usage", *SINCE).out.splitlines()
    assert [line.split()[0] for line in table] == ["DAY", "2026-11-22", "2026-11-23", "total"]
    lines = run("usage", *SINCE, "--csv").out.splitlines()
    assert lines == [
        HEAD,
        "2026-11-22,2026-11-22,1,1,2,3,4,1,0.000000001,USD,0,0,0",
        "2026-11-23,2026-11-23,2,30,0,0,10,0,0.50,USD,0,0,0",
    ]


@pytest.mark.parametrize(
    "arguments, code, problem",
    [
        (["usage", "--account", "bob"], 3, "there is no account 'bob'"),
        (["calls", "list", "--account", "bob"], 3, "there is no account 'bob'"),
        (["usage", "--from", "soon"], 2, "from is 'soon'; give a day such as"),
        (["usage", "--by", "week"], 2, "--by"),
        (["calls", "list", "--limit", "0"], 2, "--limit"),
    ],
)
def test_a_refusal_has_its_exit_code(run: Run, arguments: list[str], code: int, problem: str) -> None:
    """1 is refused, 2 wrong usage, 3 not found."""
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert problem in ran.err
