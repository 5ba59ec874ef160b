"""Accounts: keys, lanes, receipts and balances as an operator and a program meet them, on a running platform."""

import json
import urllib.error
import urllib.request
from typing import Any

import openai
import pytest

from tests.end_to_end.running import Running, wait_for

QUESTION: dict[str, Any] = {"model": "seedling", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}


def ask(platform: Running, path: str, key: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Ask for a path with a key; gives status and answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(platform.base_url + path, data, {"authorization": f"Bearer {key}"})  # noqa: S310 - an address of the test's own
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def make_call(platform: Running) -> str:
    """Make a call with the first key; gives its id."""
    with openai.OpenAI(base_url=f"{platform.base_url}/v1", api_key=platform.key) as client:
        answer = client.chat.completions.with_raw_response.create(**QUESTION)
    call_id: str = answer.headers["x-request-id"]
    return call_id


def make_key(platform: Running, *options: str) -> dict[str, str]:
    """Make a key by command."""
    made: dict[str, str] = json.loads(platform.command("keys", "create", "--json", *options))
    return made


def test_a_receipt_follows_a_call(platform: Running) -> None:
    """The id of the answer leads to what it took, by program and by command; it is in the sums."""
    call_id = make_call(platform)
    with openai.OpenAI(base_url=f"{platform.base_url}/v1", api_key=platform.key) as client:
        receipt = client.get(f"/calls/{call_id}", cast_to=object)
        usage = client.get("/usage?group_by=model", cast_to=object)
    assert isinstance(receipt, dict)
    assert isinstance(usage, dict)
    assert (receipt["id"], receipt["cost"], receipt["ending"]) == (call_id, "0.00", "completed")
    assert receipt["why"].startswith("the answer was whole; ")
    assert usage["total"]["calls"] >= 1
    shown = json.loads(platform.command("calls", "show", call_id, "--json"))
    assert shown["output_tokens"] == receipt["output_tokens"]


def test_an_account_sees_its_own_alone(platform: Running) -> None:
    """What it has is told in both protocols; a call of another account is not there."""
    call_id = make_call(platform)
    platform.command("accounts", "create", "stranger")
    platform.command("accounts", "topup", "stranger", "12.5")
    stranger = make_key(platform, "--account", "stranger")["key"]
    assert ask(platform, f"/v1/calls/{call_id}", stranger)[0] == 404
    assert ask(platform, "/anthropic/v1/balance", stranger)[1]["available"] == "12.50"


@pytest.mark.parametrize(
    "options, status, why",
    [
        (("--networks", "192.0.2.0/24"), 403, "may not be used from 127.0.0.1"),
        (("--networks", "127.0.0.0/8"), 200, ""),
        (("--models", "seedling"), 200, ""),
    ],
)
def test_a_key_has_rules(platform: Running, options: tuple[str, ...], status: int, why: str) -> None:
    """What it may not do is told."""
    found, answer = ask(platform, "/v1/chat/completions", make_key(platform, *options)["key"], QUESTION)
    assert (found, why in answer.get("error", {"message": ""})["message"]) == (status, True)


def test_a_key_is_disabled_and_rotated_within_a_second(platform: Running) -> None:
    """Every change is in force on the running server at once; a key at the wrong address is told the right one."""
    made = make_key(platform)
    assert ask(platform, "/v1/models", made["key"])[0] == 200
    assert ask(platform, "/plan/v1/models", made["key"])[1]["error"]["message"].endswith("its base path is /v1")
    platform.command("keys", "disable", made["id"])
    wait_for(lambda: ask(platform, "/v1/models", made["key"])[0] == 401, 2.0)
    platform.command("keys", "enable", made["id"])
    wait_for(lambda: ask(platform, "/v1/models", made["key"])[0] == 200, 2.0)
    new = json.loads(platform.command("keys", "rotate", made["id"], "--overlap", "0", "--json"))
    wait_for(lambda: ask(platform, "/v1/models", made["key"])[0] == 401, 2.0)
    assert ask(platform, "/v1/models", new["key"])[0] == 200
