"""Reports: what an account may ask about, as a test puts it in."""

from setaria.core.ids import AccountId
from setaria.domain.ledger.purses import Purse
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import GroupBy, UsageRow
from setaria.domain.plans.subscriptions import Subscription


class FakeReports:
    """Implements the ports Reports and PlanDirectory; `asked` are the arguments of every question about usage."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.purses: list[Purse] = []
        self.credits: list[Purse] = []
        self.subscriptions: dict[str, Subscription] = {}
        self.usage: list[UsageRow] = []
        self.asked: list[tuple[object, ...]] = []

    async def find_receipt(self, account_id: AccountId, call_id: str) -> Receipt | None:
        for each in self.receipts:
            if (each.row.call.account_id, each.row.call.id) == (account_id, call_id):
                return each
        return None

    async def find_subscription(self, subscription_id: str) -> Subscription | None:
        return self.subscriptions.get(subscription_id)

    async def read_credits(self, account_id: AccountId, since_ms: int) -> list[Purse]:
        return [each for each in self.credits if (each.allowance.ends_at_ms or 0) > since_ms]

    async def read_purses(self, account_id: AccountId) -> list[Purse]:
        return [each for each in self.purses if each.allowance.account_id == account_id]

    async def sum_usage(self, account_id: AccountId, group_by: GroupBy, from_ms: int, to_ms: int) -> list[UsageRow]:
        self.asked.append((account_id, group_by, from_ms, to_ms))
        return self.usage
