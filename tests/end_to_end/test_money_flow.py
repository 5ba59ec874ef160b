"""Money: a prepaid account from its first top-up to its end, on a running platform."""

import json
from pathlib import Path
from typing import Any

from setaria.core.money import decimal_from_nano
from tests.end_to_end.running import Running, running, wait_for
from tests.end_to_end.test_accounts import QUESTION, ask

PRICES = """
currency = "EUR"
[[prices]]
model = "seedling"
from = 2026-01-01T00:00:00Z
input = "1000"
output = "2000"
"""
INPUT_NANO, OUTPUT_NANO = 1_000_000, 2_000_000
GIFT_NANO, TOP_UP_NANO = 1_000_000, 10_000_000_000


def read(platform: Running, *arguments: str) -> Any:  # JSON as it comes
    """Run a command; gives its JSON."""
    return json.loads(platform.command(*arguments, "--json"))


def test_money_is_put_in_spent_paid_back_and_accounted_for(data: Path) -> None:
    """A call is paid by the gift, then by cash, as its receipt says; what is left goes back while the server runs."""
    with running(data) as platform:
        (data / "prices.toml").write_text(PRICES)
        platform.command("prices", "import", str(data / "prices.toml"))
        account = read(platform, "accounts", "create", "ann")["id"]
        key = read(platform, "keys", "create", "--account", account)["key"]
        wait_for(lambda: ask(platform, "/v1/chat/completions", key, QUESTION)[0] == 402)
        platform.command("accounts", "topup", account, "10")
        platform.command("accounts", "topup", account, "0.001", "--gift")
        status, answer = ask(platform, "/v1/chat/completions", key, QUESTION)
        assert status == 200
        used = answer["usage"]
        cost_nano = used["prompt_tokens"] * INPUT_NANO + used["completion_tokens"] * OUTPUT_NANO
        (call,) = read(platform, "calls", "list")
        receipt = ask(platform, f"/v1/calls/{call['id']}", key)[1]
        assert (receipt["cost"], receipt["currency"]) == (decimal_from_nano(cost_nano), "EUR")
        assert (receipt["price"]["input"], receipt["price"]["output"]) == ("1000", "2000")
        paid = {each["purse"]: each["amount"] for each in receipt["paid"]}
        assert paid == {"gift": "0.001", "cash": decimal_from_nano(cost_nano - GIFT_NANO)}
        left_nano = TOP_UP_NANO + GIFT_NANO - cost_nano
        balance = ask(platform, "/v1/balance", key)[1]
        assert (balance["available"], balance["gift"]) == (decimal_from_nano(left_nano), "0.00")
        assert ask(platform, "/v1/usage", key)[1]["total"]["cost"] == receipt["cost"]
        assert read(platform, "accounts", "refund", account, "1")["amount"] == "-1.00"
        platform.command("accounts", "refund", account, "10", code=1)
        closed = read(platform, "accounts", "close", account, "--yes")
        assert closed["refund"] == decimal_from_nano(left_nano - 1_000_000_000)
        wait_for(lambda: ask(platform, "/v1/balance", key)[0] == 401)
        assert "Everything adds up." in platform.command("ledger", "verify")
