"""Reports: what programs ask about the account whose key they have."""

import msgspec
import pytest

from setaria.core.usage import Usage
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.allowances import Allowance
from setaria.domain.ledger.purses import Purse
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRow, UsageRow
from setaria.domain.plans.offers import Offer, Window
from setaria.domain.plans.subscriptions import begin
from setaria.domain.plans.windows import window_scope
from tests.adapters.store.samples import make_call
from tests.entrypoints.api.serving import Site, visit
from tests.fakes.platform import ACCOUNT, ANY, add_key

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
        assert answer.error["message"].startswith("the limit of 600 requests a minute on reports with key_")

    assert visit(story).stage.ledger.rows == []


@pytest.mark.parametrize("base", ["/plan/v1", "/plan/anthropic/v1"])
def test_a_quota_is_that_of_the_key_s_plan(base: str) -> None:
    """What is used and left in all and in each window, when it resets, and where the plan is reached."""

    async def story(site: Site) -> None:
        windows = (Window(WindowTimes("5h", "rolling"), 400_000), Window(WindowTimes("day", "calendar"), 900_000))
        offer = Offer("lite", "Lite", 6, "month", 4_000_000, windows)
        now_ms = site.stage.clock.now_ms()
        held = begin("sub_1", ACCOUNT, offer, now_ms, 6)
        site.reports.subscriptions = {held.id: held}
        term, scope = held.last, window_scope(held.id, held.last, 0)
        span = (term.starts_at_ms, 2_999_500, 4_000_000, 1_000_500, 0, term.ends_at_ms)
        site.reports.credits = [
            Purse(Allowance("al_1", ACCOUNT, "plan", held.id, *span), 0),
            Purse(Allowance("al_2", ACCOUNT, "window", scope, now_ms, 0, 400_000, 200_000, 0, now_ms + 5_000), 200_000),
        ]  # fmt: skip
        key = add_key(site.stage.ledger, lane="plan", terms=msgspec.structs.replace(ANY, subscription_id=held.id))
        answer = await site.ask(site.request("GET", f"{base}/quota", authorization=f"Bearer {key}"))
        assert (answer.status, msgspec.json.decode(answer.body)) == (
            200,
            {
                "id": "sub_1",
                "plan": "lite",
                "name": "Lite",
                "state": "active",
                "expires_at": "2026-12-23T23:59:59.999Z",
                "auto_renew": False,
                "credits": {
                    "name": "plan",
                    "used": "1000.5",
                    "limit": "4000",
                    "unit": "credits",
                    "percent": 25,
                    "resets_at": "2026-12-23T23:59:59.999Z",
                },
                "left": "2999.5",
                "windows": [
                    {
                        "name": "5h rolling",
                        "used": "200",
                        "limit": "400",
                        "unit": "credits",
                        "percent": 50,
                        "resets_at": "2026-11-23T00:00:05.000Z",
                    },
                    {
                        "name": "day calendar UTC",
                        "used": "0",
                        "limit": "900",
                        "unit": "credits",
                        "percent": 0,
                        "resets_at": "2026-11-24T00:00:00.000Z",
                    },
                ],
                "key": f"tp-...{key[-4:]}",
                "base_urls": {"openai_chat": "/plan/v1", "anthropic_messages": "/plan/anthropic"},
            },
        )

    visit(story)


def test_a_key_without_a_plan_has_no_quota() -> None:
    """404; a key of the other lane is told its address."""

    async def story(site: Site) -> None:
        key = add_key(site.stage.ledger, lane="plan")
        answer = await site.ask(site.request("GET", "/plan/v1/quota", authorization=f"Bearer {key}"))
        assert (answer.status, answer.error["message"]) == (404, "there is no plan behind this key")
        assert (await site.ask(site.request("GET", "/plan/v1/quota"))).status == 401

    visit(story)
