"""Plans: their commands, on a real database."""

from pathlib import Path

import pytest

from tests.cli.running import Run

EXAMPLE = str(Path(__file__).parents[2] / "docs" / "examples" / "prices.toml")


@pytest.fixture
def ann(run: Run) -> Run:
    """Give a way to run commands where there are the example's plans and the account ann with 30 of cash."""
    assert run("prices", "import", EXAMPLE).code == 0
    assert run("accounts", "create", "ann").code == 0
    assert run("accounts", "topup", "ann", "30").code == 0
    return run


def test_plans_are_listed(run: Run) -> None:
    """Those that were imported, with exact prices and credits."""
    assert run("plans", "list").out == "No plans yet; import some: setaria prices import FILE\n"
    run("prices", "import", EXAMPLE)
    listed = run("plans", "list", "--json").json()
    assert tuple(listed[0][name] for name in ("id", "price", "currency", "credits")) == (
        "lite/month",
        "6.00",
        "USD",
        "4100000000",
    )
    assert "63.36 USD" in run("plans", "list").out


def test_a_plan_lives(ann: Run) -> None:
    """Bought, shown, upgraded, renewed, given a new key, cancelled; and the books add up."""
    bought = ann("plans", "subscribe", "ann", "lite", "--json").json()
    assert (
        bought["key"][:3], len(bought["key"]), bought["paid"], bought["currency"], bought["auto_renew"],
    ) == ("tp-", 41, "6.00", "USD", False)  # fmt: skip
    shown = ann("plans", "show", "ann", "--json").json()
    assert ("active", "4100000000", bought["key"][-4:], 0) == (
        shown["state"], shown["left"], shown["key_last4"], shown["credits"]["percent"],
    )  # fmt: skip
    assert "Paid from its balance: 10.00 USD." in ann("plans", "upgrade", "ann", "standard").out
    assert "It is renewed from the balance when it ends." in ann("plans", "renew", "ann", "--auto").out
    assert "Paid" not in ann("plans", "renew", "ann", "--now", "--free").out
    assert len(ann("plans", "renew", "ann", "--free", "--json").json()["terms"]) == 2
    assert ann("plans", "renew", "ann", "--auto", "--now").code == 2
    assert "ends at" in ann("plans", "cancel", "ann").out
    assert "it is not renewed by itself" in ann("plans", "show", "ann").out
    new = ann("plans", "reset-key", "ann", "--json").json()
    assert (new["key"][:3], new["lane"]) == ("tp-", "plan")
    assert ann("plans", "reset-key", "ann").out.startswith("tp-")
    assert "is renewed already" in ann("plans", "renew", "ann", "--now", "--free").err
    assert "has ended" in ann("plans", "cancel", "ann", "--now").out
    assert "It has no key." in ann("plans", "show", "ann").out
    assert ann("ledger", "verify").code == 0
    assert [
        float(each["amount"])
        for each in ann("accounts", "entries", "ann", "--json").json()
        if each["kind"] == "purchase"
    ] == [-10, -6]


def test_an_upgrade_says_what_it_adds(ann: Run) -> None:
    """A year of Lite is worth more than a month of Standard."""
    ann("accounts", "topup", "ann", "50")
    ann("plans", "subscribe", "ann", "lite", "--period", "year")
    upgraded = ann("plans", "upgrade", "ann", "standard", "--period", "month", "--json").json()
    assert (upgraded["paid"], upgraded["compensation"]) == ("0.00", "32560000000")  # (63.36 - 16) / 16 x 11 billion


@pytest.mark.parametrize(
    "arguments, code, problem",
    [
        (("subscribe", "ann", "lit"), 3, "there is no plan 'lit'; did you mean lite?"),
        (("subscribe", "bob", "lite"), 3, "there is no account 'bob'"),
        (("subscribe", "ann", "max"), 1, "has 30.00 USD of cash, the plan costs 100.00 USD"),
        (("show", "ann"), 3, "has no plan; buy one"),
        (("upgrade", "ann", "max"), 3, "has no plan; buy one"),
        (("renew", "ann"), 3, "has no plan; buy one"),
        (("cancel", "ann"), 3, "has no plan; buy one"),
        (("reset-key", "ann"), 3, "has no plan; buy one"),
    ],
)
def test_what_cannot_be_is_told(ann: Run, arguments: tuple[str, ...], code: int, problem: str) -> None:
    """One line, an exit code, and nothing changed."""
    ran = ann("plans", *arguments)
    assert (code, True) == (ran.code, problem in ran.err)
    assert [each["kind"] for each in ann("accounts", "entries", "ann", "--json").json()] == ["topup"]
