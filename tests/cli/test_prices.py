"""Prices: their commands, on a real database."""

import asyncio
from pathlib import Path

import pytest

from setaria.core.usage import Usage
from tests.adapters.store.samples import make_call
from tests.cli.running import Run
from tests.cli.test_usage_and_calls import record

EXAMPLE = str(Path(__file__).parents[2] / "docs" / "examples" / "prices.toml")


@pytest.fixture
def priced(run: Run) -> Run:
    """Give a way to run commands on an installation that has the example's prices."""
    assert run("prices", "import", EXAMPLE).code == 0
    return run


def test_a_dry_run_changes_nothing(run: Run) -> None:
    """It says what an import would do, and that models are not there yet."""
    ran = run("prices", "import", EXAMPLE, "--dry-run")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "Would be changed: 14. As before: 0.")
    assert "setaria: there is no model mimo-v2.5-pro yet; there are: seedling" in ran.err
    assert run("prices", "list").out == "No prices yet; import some: setaria prices import FILE\n"


def test_prices_are_imported_and_listed(run: Run) -> None:
    """Amounts come back digit by digit with their unit; importing again changes nothing."""
    assert run("prices", "import", EXAMPLE).out.splitlines()[-1] == "Changed: 14. As before: 0."
    assert run("prices", "import", EXAMPLE).out == "Changed: 0. As before: 13.\n"
    listed = run("prices", "list", "--json", "--model", "mimo-v2.5-pro").json()
    assert [
        tuple(each[name] for name in ("lane", "unit", "input", "cached_input", "cache_write", "output", "state"))
        for each in listed
    ] == [
        ("payg", "USD per million tokens", "0.435", "0.0036", "0", "0.87", "in force"),
        ("plan", "credits per token", "300", "2.5", "0", "600", "in force"),
    ]
    assert listed[1]["time_of_day"] == [{"from": "16:00", "to": "24:00", "zone": "UTC", "factor": "0.8"}]
    assert [next(iter(listed[0])), listed[0]["from"]] == ["id", "2026-05-27T00:00:00.000Z"]
    assert "x 0.8 16:00-24:00 UTC" in run("prices", "list").out


def test_a_bad_file_changes_nothing(priced: Run, tmp_path: Path) -> None:
    """Exit code 1, file, line and reason; the good entry before the bad one is not taken either."""
    text = '[[prices]]\nmodel = "new"\nfrom = 2026-05-27T00:00:00Z\ninput = "1"\noutput = "2"\n'
    bad = tmp_path / "bad.toml"
    bad.write_text(text + text.replace("new", "mimo-v2.5").replace("05-27", "05-26"), "utf-8")
    before = priced("prices", "list", "--json").json()
    ran = priced("prices", "import", str(bad))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"setaria: {bad}:8: mimo-v2.5 already has a price that begins later")
    assert before == priced("prices", "list", "--json").json()


def test_an_import_says_for_programs_what_changed(run: Run) -> None:
    """Every part stands in the JSON."""
    ran = run("prices", "import", EXAMPLE, "--dry-run", "--json")
    assert '"search_per_1000": "5.00"' in ran.out
    assert '"dry_run": true' in ran.out
    assert '"id": "lite/year"' in ran.out
    assert '"off_peak": {' in ran.out


def test_a_call_is_priced(priced: Run) -> None:
    """The worked numbers of money and of credits, off-peak."""
    call = ("prices", "simulate", "--model", "mimo-v2.5-pro", "--input", "1000", "--cached", "500", "--output", "200")
    ran = priced(*call, "--json").json()
    assert (ran["amount"], ran["currency"], ran["tier_factor"], ran["time_factor"]) == ("0.0006108", "USD", "1", "1")
    ran = priced(*call, "--lane", "plan", "--at", "2030-12-25T16:00:00Z", "--json").json()
    assert (ran["amount"], ran["currency"], ran["time_factor"]) == ("337000", "credits", "0.8")
    assert priced(*call).out == "0.0006108 USD (mimo-v2.5-pro, factors 1 for length, 1 for time)\n"
    assert priced("prices", "simulate", "--model", "seedling", "--output", "9").out.startswith("0.00 USD")


def test_a_call_without_a_price_is_told(priced: Run) -> None:
    """Exit code 3 with the nearest name, 1 for a moment that is none."""
    ran = priced("prices", "simulate", "--model", "mimo-v2.5-po")
    assert (ran.code, ran.err.endswith("did you mean mimo-v2.5-pro?\n")) == (3, True)
    ran = priced("prices", "simulate", "--model", "mimo-v2.5-pro", "--at", "2020-01-01")
    assert (ran.code, ran.err.endswith("at that time; see `setaria prices list --model mimo-v2.5-pro`\n")) == (3, True)
    ran = priced("prices", "list", "--model", "mimo-v2.5-po")
    assert (ran.code, ran.err.endswith("has no price; did you mean mimo-v2.5-pro?\n")) == (3, True)
    assert {each["model"] for each in priced("prices", "list", "--model", "mimo-v2.5", "--json").json()} == {
        "mimo-v2.5"
    }
    assert priced("prices", "simulate", "--model", "mimo-v2.5", "--at", "noon").code == 2
    assert priced("prices", "simulate", "--from", "2026-02-02", "--to", "2026-01-01").code == 2


def test_calls_of_the_past_are_priced(priced: Run, data: Path) -> None:
    """By what was imported, or by a file whose first price holds for all of the past; plans in credits."""
    usage = Usage(input_tokens=1000, output_tokens=100)
    account = priced("accounts", "create", "ann", "--json").json()["id"]
    calls = [
        make_call(model="mimo-v2.5", usage=usage, charge_nano=5, account_id=account),
        make_call(model="mimo-v2.5", usage=usage, charge_nano=7, account_id=account),
        make_call(model="gone", usage=usage, account_id=account),
        make_call(model="gone", usage=usage),
    ]
    asyncio.run(record(calls))
    period = ("--from", "2020-01-01", "--to", "2040-01-01")
    rows = priced("prices", "simulate", *period, "--json", "--account", account, "--file", EXAMPLE).json()
    assert [(row["id"], row["calls"], row["unpriced"], row["simulated"]) for row in rows] == [
        ("gone", 1, 1, "0.00"),
        ("mimo-v2.5", 2, 0, "0.000336"),
    ]
    assert rows[1]["charged"] == "0.000000012"
    assert "mimo-v2.5" in priced("prices", "simulate", *period).out
    assert priced("prices", "simulate", "--to", "2020-01-01").out.startswith("No calls in this time")
