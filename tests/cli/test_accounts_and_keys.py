"""Accounts and keys: their commands, on a real database."""

import re
from pathlib import Path

import pytest

from setaria.adapters.secrets.file import read_ring
from setaria.bootstrap.preparation import prepare
from setaria.config import load_settings
from setaria.domain.accounts.keys import key_secrets_from_ring, read_key
from tests.cli.running import Run

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_an_account_is_made_and_listed(run: Run) -> None:
    """The default account is there from the start; a new one is listed after it, in the agreed shape."""
    made = run("accounts", "create", "ann", "--json").json()
    assert [*made] == ["id", "name", "status", "email", "billing", "created_at"]
    assert (made["name"], made["status"]) == ("ann", "active")
    assert re.fullmatch(MOMENT, made["created_at"])
    listed = run("accounts", "list", "--json").json()
    assert [account["name"] for account in listed] == ["default", "ann"]
    assert listed[1] == made
    table = run("accounts", "list").out.splitlines()
    assert table[0].split() == ["ID", "NAME", "STATUS", "BILLING", "EMAIL", "MADE"]
    assert table[2].split() == [made["id"], "ann", "active", "prepaid", made["created_at"]]


def test_a_new_account_s_next_step_is_shown(run: Run) -> None:
    """Who makes an account reads how to make a key for it."""
    ran = run("accounts", "create", "ann")
    assert re.search(r"setaria keys create --account acct_[0-9a-f]{16}", ran.out)


def test_a_key_works_with_the_server_s_secret(run: Run, data: Path) -> None:
    """A key made by command has the agreed shape, and is read with the secret that the server reads."""
    made = run("keys", "create", "--account", "default", "--name", "laptop", "--json").json()
    assert [*made] == ["id", "name", "account", "lane", "key", "created_at"]
    assert (made["name"], made["lane"]) == ("laptop", "payg")
    assert made["account"] == run("accounts", "list", "--json").json()[0]["id"]
    assert isinstance(read_key(key_secrets_from_ring(read_ring(data / "secret")), made["key"]), bytes)


def test_a_key_is_shown_once(run: Run) -> None:
    """The text of a key stands alone on its line when it is made, and nowhere later."""
    text = run("keys", "create", "--account", "default").out.splitlines()[0]
    assert re.fullmatch("sk-[0-9A-Za-z]{38}", text)
    for ran in (run("keys", "list"), run("keys", "list", "--json")):
        assert text not in ran.out
        assert text[-4:] in ran.out


def test_keys_are_listed_by_account(run: Run) -> None:
    """One account's keys are its own; the account may be given by name or id."""
    account = run("accounts", "create", "ann", "--json").json()["id"]
    run("keys", "create", "--account", "default", "--name", "theirs")
    run("keys", "create", "--account", "ann", "--name", "hers")
    for name in ("ann", account):
        assert [key["name"] for key in run("keys", "list", "--account", name, "--json").json()] == ["hers"]
    assert [key["name"] for key in run("keys", "list", "--json").json()] == ["theirs", "hers"]


def test_a_key_is_revoked(run: Run) -> None:
    """A revoked key stays listed, with the moment; revoking it again does no harm."""
    key_id = run("keys", "create", "--account", "default", "--json").json()["id"]
    assert run("keys", "revoke", key_id).code == 0
    revoked_at = run("keys", "list", "--json").json()[0]["revoked_at"]
    assert re.fullmatch(MOMENT, revoked_at)
    assert run("keys", "revoke", key_id).code == 0
    assert run("keys", "list", "--json").json()[0]["revoked_at"] == revoked_at


def test_a_key_is_made_with_rules_and_looked_at(run: Run) -> None:
    """Commas and repeated options both separate; what was written is shown in its plain form."""
    rules = ("--models", "seedling,", "--networks", "10.1.2.3/8", "--networks", "::1", "--cap", "5")
    run("keys", "create", "--name", "laptop", "--expires", "2100-01-01", *rules)
    (key,) = run("keys", "list", "--json").json()
    assert (key["models"], key["networks"], key["cap"]) == (["seedling"], ["10.0.0.0/8", "::1/128"], "5.00")
    assert (key["expires_at"], key["last_used_at"]) == ("2100-01-02T00:00:00.000Z", None)


def test_a_key_is_rotated_disabled_enabled_and_deleted(run: Run) -> None:
    """Each is seen in the list at once; a deleted key is not."""
    old = run("keys", "create", "--json").json()["id"]
    new = run("keys", "rotate", old, "--overlap", "1h", "--json").json()
    assert re.fullmatch("sk-[0-9A-Za-z]{38}", new["key"])
    assert "revoked" in run("keys", "rotate", new["id"], "--overlap", "0").out
    listed = {key["id"]: key for key in run("keys", "list", "--json").json()}
    assert listed[old]["expires_at"] is not None
    assert listed[new["id"]]["revoked_at"] is not None
    run("keys", "disable", old)
    assert run("keys", "list", "--json").json()[0]["disabled_at"] is not None
    run("keys", "enable", old)
    assert run("keys", "list", "--json").json()[0]["disabled_at"] is None
    run("keys", "delete", old)
    assert old not in run("keys", "list").out


def test_without_keys_the_next_step_is_shown(run: Run) -> None:
    """An empty list says how to fill it; as JSON it is empty."""
    assert run("keys", "list").out == "No keys yet; make one: setaria keys create\n"
    assert run("keys", "list", "--json").json() == []


@pytest.mark.parametrize(
    "arguments, code, problem",
    [
        (["keys", "create", "--account", "bob"], 3, "setaria: there is no account 'bob'; "),
        (["keys", "list", "--account", "bob"], 3, "setaria: there is no account 'bob'; "),
        (["keys", "revoke", "key_1"], 3, "setaria: there is no key 'key_1'; "),
        (["keys", "delete", "key_1"], 3, "setaria: there is no key 'key_1'; "),
        (["keys", "rotate", "key_1", "--overlap", "soon"], 1, "setaria: overlap is 'soon'; give a length of time"),
        (["keys", "create", "--models", "seedlin"], 1, "setaria: there is no model 'seedlin'; did you mean seedling?"),
        (["keys", "create", "--networks", "here"], 1, "setaria: networks has 'here'; give an address"),
        (["keys", "create", "--cap", "-1"], 1, "setaria: cap is '-1'; give a decimal number"),
        (["keys", "create", "--expires", "2020-01-01"], 1, "setaria: expires is '2020-01-01', which is past"),
        (["accounts", "create", "default"], 1, "setaria: there is already an account 'default'; take another name"),
        (["accounts", "create", ""], 1, "setaria: a name has 1 to 100 printable characters"),
        (["keys", "create", "--account", "default", "--name", "a\nb"], 1, "setaria: a name has 1 to 100 printable"),
    ],
)
def test_a_refusal_is_one_line(run: Run, arguments: list[str], code: int, problem: str) -> None:
    """What can't be done is told on standard error in one line, with its exit code."""
    ran = run(*arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert ran.err.startswith(problem)


def test_the_first_start_after_commands_still_makes_the_first_key(run: Run) -> None:
    """Looking around before the first start takes nothing away from it."""
    run("accounts", "list")
    text = prepare(load_settings(None, None))
    assert text is not None
    assert text[-4:] == run("keys", "list", "--json").json()[0]["last4"]
    assert prepare(load_settings(None, None)) is None
