"""Reports: what programs ask about the account whose key they have."""

import msgspec
import pytest

from setaria.core.usage import Usage
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import Purse
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRow, UsageRow
from tests.adapters.store.samples import make_call
from tests.entrypoints.api.serving import Site, visit
from tests.fakes.platform import ACCOUNT, add_key

BASES = ["/v1", "/anthropic/v1"]
CALL = make_call(account_id=ACCOUNT, price_id="free")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("lane", ["payg", "plan"])
def test_a_receipt_is_shown_to_its_account(base: str, lane: str) -> None:
    """In both lanes and under both protocols, with the price that it paid."""

    async def story(site: Site) -> None:
        key = add_key(site.stage.ledger, lane=lane)  # type: ignore[arg-type]  # one of the lanes
        site.reports.receipts = [Receipt(CallRow(CALL, "ann", "laptop"), ())]
        path = ("/plan" if lane == "plan" else "") + f"{base}/calls/{CALL.id}"
        answer = await site.ask(site.request("GET", path, authorization=f"Bearer {key}"))
        told = msgspec.json.decode(answer.body)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert (told["id"], told["price"]["id"], told["ending"], told["paid"]) == (CALL.id, "free", "completed", [])

    visit(story)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("call_id", [CALL.id, "f" * 32, "x", "%00", "F" * 32])
def test_what_is_not_the_account_s_is_not_there(base: str, call_id: str) -> None:
    """Another account's call, one that never was, and what is no id at all: 404 in the protocol's form."""

    async def story(site: Site) -> None:
        other = msgspec.structs.replace(CALL, account_id="acct_other")
        site.reports.receipts = [Receipt(CallRow(other, "bob", "phone"), ())]
        answer = await site.ask(site.request("GET", f"{base}/calls/{call_id}"))
        assert (answer.status, answer.error["type"]) == (404, "not_found_error")
        assert answer.error["message"].startswith("this account has no call '")

    visit(story)


def test_a_balance_is_the_account_s_own() -> None:
    """Cash, gifts that have not ended, debt, and what is left of all."""

    async def story(site: Site) -> None:
        cash = Allowance("al_1", ACCOUNT, "cash", "", 0, 5, 10, 7, 2)
        gift = Allowance("al_2", ACCOUNT, "gift", "e1", 0, 3, 3, 0, 0, site.stage.clock.now_ms() + 1)
        over = Allowance("al_3", ACCOUNT, "gift", "e2", 0, 3, 3, 0, 0, site.stage.clock.now_ms())
        site.reports.purses = [Purse(cash, 1_000_000_000), Purse(gift, 0), Purse(over, 0)]
        answer = await site.ask(site.request("GET", "/v1/balance"))
        assert (answer.status, msgspec.json.decode(answer.body)) == (
            200,
            {
                "cash": "1.000000005",
                "gift": "0.000000003",
                "available": "1.000000006",
                "debt": "0.000000002",
                "currency": "USD",
            },
        )

    visit(story)


def test_usage_is_summed_as_asked() -> None:
    """By day without being told, of the last 30 days; else as the query says, the last of several counting."""

    async def story(site: Site) -> None:
        site.reports.usage = [UsageRow("seedling", "seedling", 2, Usage(1, 2, 3, 4, 1), 1_000)]
        answer = await site.ask(site.request("GET", "/v1/usage"))
        now_ms = site.stage.clock.now_ms()
        assert site.reports.asked.pop() == (ACCOUNT, "day", now_ms + 1 - 30 * 86_400_000, now_ms + 1)
        told = msgspec.json.decode(answer.body)
        assert (told["group_by"], told["rows"][0]["calls"], told["total"]["cost"]) == ("day", 2, "0.000001")
        query = "group_by=key&group_by=model&from=2026-11-01&to=2026-11-02&x=y"
        answer = await site.ask(site.request("GET", f"/anthropic/v1/usage?{query}#z"))
        told = msgspec.json.decode(answer.body)
        assert (told["from"], told["to"]) == ("2026-11-01T00:00:00.000Z", "2026-11-03T00:00:00.000Z")
        assert [row[1] for row in site.reports.asked] == ["model"]

    visit(story)


@pytest.mark.parametrize(
    "query, param",
    [("group_by=week", "group_by"), ("from=soon", "from"), ("to=%FF", "to"), ("from=2026-11-03&to=2026-11-01", "to")],
)
def test_a_question_that_can_t_be_read(query: str, param: str) -> None:
    """It is 400 and names the field; nothing is asked."""

    async def story(site: Site) -> None:
        answer = await site.ask(site.request("GET", f"/v1/usage?{query}"))
        assert (answer.status, answer.error["param"]) == (400, param)
        assert site.reports.asked == []

    visit(story)


@pytest.mark.parametrize("path", ["/v1/balance", "/v1/usage", f"/v1/calls/{CALL.id}"])
def test_reports_need_a_key_and_have_bounds(path: str) -> None:
    """Without a key 401; above 600 a minute and key 429, with the seconds until the next minute; nothing is written."""

    async def story(site: Site) -> None:
        assert (await site.ask(site.request("GET", path, authorization=""))).status == 401
        assert (await site.ask(site.request("POST", path, b"x"))).status == 405
        wire = await site.connect()
        for _ in range(600):
            wire.send(site.request("GET", path))
            assert (await wire.answer()).status in (200, 404)
        wire.send(site.request("GET", path))
        answer = await wire.answer()
        assert (answer.status, answer.headers["retry-after"]) == (429, "60")
        assert answer.error["message"] == "more than 600 reports in a minute"

    assert visit(story).stage.ledger.rows == []
