"""Money: the commands about accounts' money, limits and codes, on a real database."""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Run

PROGRAM = Path(sys.executable).parent / "setaria"


@pytest.fixture
def ann(run: Run) -> str:
    """Give the id of an account with 20 in cash."""
    account: str = run("accounts", "create", "ann", "--email", "ann@example.org", "--json").json()["id"]
    run("accounts", "topup", "ann", "20", "--reason", "invoice 7")
    return account


def balance(run: Run, account: str) -> dict[str, str]:
    """Read what an account has."""
    found: dict[str, str] = run("accounts", "show", account, "--json").json()["balance"]
    return found


def test_an_account_is_shown_with_its_money(run: Run, ann: str) -> None:
    """Cash and gifts, as JSON and for people."""
    given = run("accounts", "topup", ann, "5.5", "--gift", "--expires", "2100-12-31", "--json").json()
    shown = run("accounts", "show", "ann", "--json").json()
    assert [*shown] == ["id", "name", "status", "email", "billing", "created_at", "balance", "gifts"]
    assert shown["balance"] == {
        "cash": "20.00",
        "gift": "5.50",
        "available": "25.50",
        "debt": "0.00",
        "currency": "USD",
    }
    (gift,) = shown["gifts"]
    assert (gift["granted"], gift["left"], gift["expires_at"]) == ("5.50", "5.50", "2101-01-01T00:00:00.000Z")
    assert (given["kind"], given["purse"], given["amount"], given["currency"]) == ("gift", "gift", "5.50", "USD")
    text = run("accounts", "show", "ann").out
    assert "ann <ann@example.org>" in text
    assert "25.50 USD" in text


def test_entries_say_who_and_why(run: Run, ann: str) -> None:
    """Every action leaves one, newest first; actions that need leases home pass at once when there are none."""
    run("accounts", "adjust", ann, "-1.5", "--reason", "typing error")
    run("accounts", "refund", ann, "3", "--reason", "asked for")
    listed = run("accounts", "entries", "ann", "--json").json()
    assert [*listed[0]] == [
        *("id", "at", "account", "kind", "purse"),
        *("amount", "currency", "actor", "reason", "reference"),
    ]
    assert [(each["kind"], each["amount"], each["actor"], each["reason"]) for each in listed] == [
        ("refund", "-3.00", "operator", "asked for"),
        ("adjust", "-1.50", "operator", "typing error"),
        ("topup", "20.00", "operator", "invoice 7"),
    ]
    assert balance(run, ann)["cash"] == "15.50"
    assert len(run("accounts", "entries", "ann", "--limit", "1", "--json").json()) == 1
    assert "typing error" in run("accounts", "entries", "ann").out
    assert run("accounts", "entries", "default").out == "Nothing was moved yet.\n"


def test_an_account_is_suspended_resumed_and_closed(run: Run, ann: str) -> None:
    """Closing revokes keys, tells what is to be paid back and blanks what is personal."""
    run("keys", "create", "--account", ann)
    assert run("accounts", "suspend", "ann", "--json").json()["status"] == "suspended"
    assert run("accounts", "resume", "ann", "--json").json()["status"] == "active"
    closed = run("accounts", "close", "ann", "--yes", "--json").json()
    assert closed == {"id": ann, "status": "closed", "refund": "20.00", "currency": "USD"}
    shown = run("accounts", "show", ann, "--json").json()
    assert (shown["name"], shown["email"], shown["status"]) == (ann, "", "closed")
    assert run("keys", "list", "--account", ann, "--json").json()[0]["revoked_at"] is not None
    for arguments in ("accounts topup", "accounts resume", "keys create --account"):
        ran = run(*arguments.split(), ann, *(["1"] if "topup" in arguments else []))
        assert (ran.code, ran.out) == (1, "")
        assert "is closed" in ran.err


def test_limits_are_set_shown_reset_and_lifted(run: Run, ann: str) -> None:
    """What counts is shown, defaults filled in."""
    assert run("limits", "show", ann, "--json").json() == [{"id": "*", "rpm": 100, "tpm": 10_000_000, "in_flight": 16}]
    run("limits", "set", ann, "--rpm", "5", "--tpm", "1000")
    shown = run("limits", "set", ann, "--model", "seedling", "--in-flight", "2", "--json").json()
    assert shown == [
        {"id": "*", "rpm": 5, "tpm": 1000, "in_flight": 16},
        {"id": "seedling", "rpm": 5, "tpm": 1000, "in_flight": 2},
    ]
    assert len(run("limits", "reset", ann, "--model", "seedling", "--json").json()) == 1
    assert run("limits", "reset", ann, "--json").json()[0]["rpm"] == 100
    assert run("limits", "lift", ann, "--json").json()[0]["rpm"] is None
    assert run("limits", "show", ann).out.split()[-4:] == ["*", "none", "none", "none"]


def test_codes_are_made_and_redeemed_once(run: Run, ann: str) -> None:
    """Their text is shown once; the second to redeem one is told."""
    made = run("codes", "create", "--amount", "10", "--count", "2", "--expires", "2100-01-01", "--json").json()
    assert [*made[0]] == ["id", "code", "batch", "amount", "currency", "expires_at"]
    entry = run("codes", "redeem", ann, made[0]["code"].lower(), "--json").json()
    assert (entry["kind"], entry["amount"], entry["actor"], entry["reference"]) == (
        *("redeem", "10.00", "code"),
        made[0]["id"],
    )
    assert balance(run, ann)["cash"] == "30.00"
    again = run("codes", "redeem", ann, made[0]["code"])
    assert (again.code, again.err) == (1, "setaria: this redeem code was used before\n")
    listed = run("codes", "list", "--batch", made[0]["batch"], "--json").json()
    by_id = {each["id"]: each["redeemed_by"] for each in listed}
    assert by_id == {made[0]["id"]: ann, made[1]["id"]: None}
    text = run("codes", "list").out
    assert made[0]["code"] not in text
    assert made[0]["code"][-4:] in text


def test_codes_for_people_stand_alone_on_their_lines(run: Run) -> None:
    """So that the output can be kept as a list; without codes the next step is shown."""
    assert run("codes", "list").out.startswith("No codes yet; make some: setaria codes create")
    ran = run("codes", "create", "--amount", "1", "--count", "3")
    assert all(re.fullmatch(r"([0-9A-Z]{5}-){3}[0-9A-Z]{5}", line) for line in ran.out.splitlines())
    assert "Batch batch_" in ran.err


def test_two_processes_redeem_a_code_once(run: Run, ann: str, data: Path) -> None:
    """Of several at the same moment one wins; the money comes once."""
    code: str = run("codes", "create", "--amount", "10", "--json").json()[0]["code"]
    command: list[Any] = [PROGRAM, "--data", data, "codes", "redeem", ann, code]
    racing = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(3)]
    told = [process.communicate(timeout=60)[1] for process in racing]
    assert sorted(process.returncode for process in racing) == [0, 1, 1]
    assert sorted(told)[1:] == [b"setaria: this redeem code was used before\n"] * 2
    assert balance(run, ann)["cash"] == "30.00"


@pytest.mark.parametrize(
    "arguments, code, problem",
    [
        (["accounts", "topup", "ann", "0"], 1, "the amount is 0.00 USD; it must be above 0"),
        (["accounts", "topup", "bob", "1"], 3, "there is no account 'bob'"),
        (["accounts", "refund", "ann", "20.000000001"], 1, "at most 20.00 USD can be refunded"),
        (["accounts", "adjust", "ann", "-21", "--reason", "x"], 1, "the account acct_"),
        (["accounts", "adjust", "ann", "1"], 1, "an adjustment needs a reason"),
        (["accounts", "close", "default", "--yes"], 1, "the account default is the operator's own"),
        (["accounts", "create", "bob", "--email", "bob"], 1, "'bob' is no e-mail address"),
        (["codes", "create", "--amount", "0"], 1, "the amount is 0.00; it must be above 0"),
        (["codes", "redeem", "ann", "hello"], 3, "there is no such redeem code"),
        (["codes", "list", "--batch", "nobatch"], 3, "there is no batch 'nobatch' of codes"),
        (["limits", "show", "bob"], 3, "there is no account 'bob'"),
        (["limits", "set", "ann", "--model", "seedlin", "--rpm", "1"], 1, "there is no model 'seedlin'; did you mean"),
        (["limits", "reset", "ann", "--model", "seedlin"], 1, "there is no model 'seedlin'; did you mean"),
    ],
)
def test_bad_input_changes_nothing(run: Run, ann: str, arguments: list[str], code: int, problem: str) -> None:
    """The refusal is one line and says why; money and entries stay."""
    ran = run(*arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert ran.err.startswith(f"setaria: {problem}")
    assert balance(run, ann)["cash"] == "20.00"
    assert len(run("accounts", "entries", ann, "--json").json()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["accounts", "topup", "ann", "1", "--expires", "2100-01-01"],
        ["accounts", "create", "bob", "--billing", "never"],
        ["accounts", "adjust", "ann", "1", "--raeson", "x"],
        ["limits", "set", "ann"],
        ["limits", "set", "ann", "--rpm", "0"],
        ["codes", "create", "--count", "2"],
        ["codes", "create", "--amount", "1", "--count", "0"],
        ["ledger", "export", "--from", "soon"],
    ],
)
def test_wrong_usage_is_told(run: Run, ann: str, arguments: list[str]) -> None:
    """The exit code is 2, and nothing was changed."""
    assert run(*arguments).code == 2
    assert balance(run, ann)["cash"] == "20.00"


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["accounts", "topup", "ann", "-5"], "AMOUNT: amount is '-5'; give a decimal number such as 12.50"),
        (["accounts", "refund", "ann", "-5"], "AMOUNT: amount is '-5'; give a decimal number"),
        (["accounts", "adjust", "ann", "--5", "--reason", "x"], "AMOUNT: amount is '-5'; give a decimal number"),
        (["accounts", "topup", "ann", "1e3"], "AMOUNT: amount is '1e3'; give a decimal number"),
        (["accounts", "topup", "ann", "0.1234567891"], "AMOUNT: amount is '0.1234567891'; give"),
        (["accounts", "topup", "ann", "1", "--gift", "--expires", "2020-01-01"], "--expires: expires is '2020-01-01'"),
        (["accounts", "topup", "ann", "1", "--gift", "--expires", "soon"], "--expires: expires is 'soon'; give a day"),
        (["codes", "create", "--amount", "1,5"], "--amount: amount is '1,5'; give"),
        (["codes", "create", "--amount", "1", "--expires", "soon"], "--expires: expires is 'soon'; give a day"),
    ],
)
def test_a_value_of_a_wrong_form_is_wrong_usage(run: Run, ann: str, arguments: list[str], problem: str) -> None:
    """It is named with its place, and nothing was changed."""
    ran = run(*arguments)
    assert (ran.code, ran.out, problem in " ".join(ran.err.split())) == (2, "", True)
    assert balance(run, ann)["cash"] == "20.00"


def test_closing_asks_first(run: Run, ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a yes nothing happens."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run("accounts", "close", ann).code == 1
    assert run("accounts", "show", ann, "--json").json()["status"] == "active"


def test_limits_are_on_a_model_whatever_its_name(run: Run, ann: str) -> None:
    """Another name means the model; limits on one that was removed can be reset."""
    run("upstreams", "add", "a", "--base-url", "http://127.0.0.1:9/v1")
    run("models", "add", "oak", "--upstream", "a", "--alias", "tree")
    assert run("limits", "set", ann, "--model", "tree", "--rpm", "2", "--json").json()[1]["id"] == "oak"
    assert len(run("limits", "reset", ann, "--model", "tree", "--json").json()) == 1
    run("limits", "set", ann, "--model", "oak", "--rpm", "2")
    run("models", "remove", "oak")
    assert len(run("limits", "reset", ann, "--model", "oak", "--json").json()) == 1
