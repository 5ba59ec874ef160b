"""Ledger: its commands, on a real database with calls and entries in it."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.running import Run

DAY_MS = 1_795_392_000_000  # 2026-11-23
COLUMNS = "id, at_ms, account_id, key_id, model, protocol, upstream, stream, status, ending, counts_from"
COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, charge_nano, charges"


@pytest.fixture
def database(run: Run, data: Path) -> Path:
    """Give a database in which an account has topped up 100 and two calls have taken 30."""
    account = run("accounts", "create", "ann", "--json").json()["id"]
    path = data / "setaria.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM allowances")
        connection.execute("INSERT INTO allowances VALUES ('al_1', ?, 'cash', '', 0, 70, 100, 30, 0, NULL)", (account,))
        connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, 'al_1', 'topup', 100, 'operator', 'first', '')",
            (f"{DAY_MS:012x}0", DAY_MS, account),
        )
        for number, charge in ((1, 10), (2, 20)):
            connection.execute(
                f"INSERT INTO calls ({COLUMNS}, {COUNTS}, duration_ms, attempts) VALUES ("
                "?, ?, ?, 'key_1', 'm', 'openai_chat', 'local', 0, 200, 'completed', 'upstream', "
                "5, 3, 2, 7, 0, ?, ?, 1, 1)",
                (f"{DAY_MS + number:012x}0", DAY_MS + number, account, charge, f"al_1:{charge}"),
            )
        connection.commit()
    return path


def test_good_books_add_up(run: Run, database: Path) -> None:
    """The command says how much it read and ends with 0."""
    ran = run("ledger", "verify")
    assert (ran.code, ran.out) == (
        0,
        "1 allowances, 1 entries and 2 charged calls were read.\nEverything adds up.\n",
    )


def test_a_changed_number_is_found(run: Run, database: Path) -> None:
    """A single unit that is missing is named with its row, and the exit code is 1."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE allowances SET available = 69")
        connection.commit()
    ran = run("ledger", "verify")
    assert (ran.code, "available 69 + leased 0 + spent 30 - debt 0 = 99, but granted is 100" in ran.out) == (1, True)
    ran = run("ledger", "verify", "--json")
    (fault,) = json.loads(ran.out)["faults"]
    assert (ran.code, fault["id"], fault["rule"]) == (1, "al_1", "sum")


def test_every_movement_is_exported(run: Run, database: Path) -> None:
    """Entries and calls stand in the order of time, with amounts as decimal text; a time narrows it down."""
    lines = run("ledger", "export").out.splitlines()
    assert lines[0].startswith("id,at,account,kind,allowance,amount,unit")
    assert [line.split(",")[3:7] for line in lines[1:]] == [
        ["topup", "al_1", "0.0000001", "USD"],
        ["call", "al_1", "-0.00000001", "USD"],
        ["call", "al_1", "-0.00000002", "USD"],
    ]
    as_json = run("ledger", "export", "--json", "--account", "ann", "--from", "2026-11-23T00:00:00.001Z").out
    assert [json.loads(line)["kind"] for line in as_json.splitlines()] == ["call", "call"]
    assert run("ledger", "export", "--account", "default").out.count("\n") == 1
    assert run("ledger", "export", "--account", "nobody").code == 3


def test_movements_are_in_the_currency_of_the_books(run: Run, database: Path, tmp_path: Path) -> None:
    """Money is told in what the price file says; credits are none."""
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "CNY"\n', "utf-8")
    assert run("prices", "import", str(prices)).code == 0
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "INSERT INTO entries SELECT ?, ?, account_id, 'al_2', 'grant', 5000, 'operator', '', '' FROM entries",
            (f"{DAY_MS + 9:012x}0", DAY_MS + 9),
        )
        connection.execute(
            "INSERT INTO allowances SELECT 'al_2', account_id, 'plan', '', 0, 5000, 5000, 0, 0, NULL FROM allowances"
        )
        connection.commit()
    lines = run("ledger", "export", "--json").out.splitlines()
    assert [json.loads(line)["unit"] for line in lines] == ["CNY", "CNY", "CNY", "credits"]


@pytest.mark.parametrize(
    "invoice, code, off",
    [
        ("day,model,calls,input_tokens,output_tokens\n2026-11-23,m,2,20,14\n", 0, []),
        ("Day,Model,Input_Tokens\n2026-11-23,m,10\n2026-11-23,m,10\n", 0, []),
        ("day,model,calls,\n2026-11-23,m,2,\n", 0, []),
        ("day,model,calls\n2026-11-23,m,2,\n", 0, []),
        ('day,model,calls\n2026-11-23,m,"1,002"\n', 1, ["calls"]),
        ("day,model,output_tokens\n2026-11-23,m,15\n", 1, ["output_tokens"]),
        ("day,model,calls\n2026-11-23,m,2\n2026-11-24,m,1\n", 1, ["calls"]),
        ("day,model,calls\n2026-11-23,other,2\n", 1, ["calls", "calls"]),
    ],
)
def test_an_invoice_is_compared(
    run: Run, database: Path, tmp_path: Path, invoice: str, code: int, off: list[str]
) -> None:
    """Days and models that only one side has are differences too."""
    file = tmp_path / "invoice.csv"
    file.write_text(invoice)
    ran = run("ledger", "reconcile", str(file), "--upstream", "local", "--json")
    assert (ran.code, [one["id"] for one in json.loads(ran.out) if not one["is_within"]]) == (code, off)
    assert run("ledger", "reconcile", str(file), "--upstream", "local").out.count("OFF") == len(off)


SHARED = """
[[upstreams]]
name = "up"
kind = "openai"
base_url = "http://localhost:9/v1"
"""


def write_models(data: Path, served: str) -> None:
    """Write a file in which the upstream `up` serves these models, such as `m=M m2=M m2=N`."""
    places: dict[str, list[str]] = {}
    for ours, theirs in (pair.split("=") for pair in served.split()):
        places.setdefault(ours, []).append(f'{{ upstream = "up", model = "{theirs}" }}')
    models = (
        f'[[models]]\nid = "{ours}"\ncontext_tokens = 1000\noutput_tokens = 500\ndeployments = [{", ".join(each)}]\n'
        for ours, each in places.items()
    )
    (data / "setaria.toml").write_text(SHARED + "".join(models), "utf-8")


@pytest.mark.parametrize(
    "served, invoice, found",
    [
        ("m=M", "M,2", [("m", 2, 2), ("m2", 0, 3)]),
        ("m=M", "m,2", [("m", 2, 2), ("m2", 0, 3)]),
        ("m=M m2=M", "M,5", [("m + m2", 5, 5)]),
        ("m=M m2=M", "m,2 m2,3", [("m + m2", 5, 5)]),
        ("m=M m=N", "M,1 N,1", [("m", 2, 2), ("m2", 0, 3)]),
        ("m2=N m=M m=N", "M,1 N,4", [("m + m2", 5, 5)]),
        ("m=m2 m2=m", "m,3 m2,2", [("m", 2, 2), ("m2", 3, 3)]),
        ("m=M", "M,2 m2,3", [("m", 2, 2), ("m2", 3, 3)]),
    ],
)
def test_models_that_share_a_model_are_compared_as_one(
    run: Run, database: Path, tmp_path: Path, served: str, invoice: str, found: list[tuple[str, int, int]]
) -> None:
    """An invoice does not tell them apart; nor do the books, where one of ours is served by several of theirs."""
    write_models(database.parent, served)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE calls SET upstream = 'up'")
        for number in (7, 8, 9):
            connection.execute(
                f"INSERT INTO calls ({COLUMNS}, {COUNTS}, duration_ms, attempts) VALUES (?, ?, 'a', 'key_1', 'm2', "
                "'openai_chat', 'up', 0, 200, 'completed', 'upstream', 5, 3, 2, 7, 0, 0, '', 1, 1)",
                (f"{DAY_MS + number:012x}0", DAY_MS + number),
            )
        connection.commit()
    file = tmp_path / "invoice.csv"
    file.write_text("day,model,calls\n" + "".join(f"2026-11-23,{row}\n" for row in invoice.split()))
    ran = run("ledger", "reconcile", str(file), "--upstream", "up", "--json")
    assert [(one["model"], one["invoice"], one["books"]) for one in json.loads(ran.out)] == found


@pytest.mark.parametrize(
    "invoice, words",
    [
        ("", "must name the columns"),
        ("day,model\n2026-11-23,m\n", "must name the columns"),
        ("day,model,calls\n", "has no rows"),
        ("day,model,calls\n2026-11-23,m,2\nsoon,m,1\n", "line 3"),
        ("day,model,calls\n2026-11-23,m,many\n", "line 2"),
        ("day,model,calls\n2026-11-23,m\n", "line 2"),
        ("day,model,calls\n2026-11-23,m,2\n2026-11-23,m,\n", "line 3"),
        ("day,model,calls\n2026-11-23,m,1,002\n", "line 2"),
        ("day,model,calls\n2026-11-23,m,1_0\n", "line 2"),
        ("day,model,calls\n2026-11-23,m,-1\n", "line 2"),
        ('day,model,calls\n2026-11-23,m,"1,5"\n', "line 2"),
        ("day,model,calls\n2026-11-23,m,2\xff", "can't be read"),
    ],
)
def test_an_invoice_that_can_not_be_read(run: Run, database: Path, tmp_path: Path, invoice: str, words: str) -> None:
    """What is wrong with it is said, with the line."""
    file = tmp_path / "invoice.csv"
    file.write_bytes(invoice.encode("latin-1"))
    ran = run("ledger", "reconcile", str(file), "--upstream", "local")
    assert (ran.code, words in ran.err) == (1, True)
