"""Call book: answers that a test puts in, and the questions that were asked."""

from collections.abc import Iterator

from setaria.core.ids import AccountId
from setaria.domain.ledger.receipt import Receipt
from setaria.domain.ledger.records import CallRecord, CallRow, GroupBy, UsageRow


class FakeCallBook:
    """Implements the port CallBook; `asked` are the arguments of every question."""

    def __init__(self, calls: list[CallRow], usage: list[UsageRow]) -> None:
        self._calls = calls
        self._usage = usage
        self.asked: list[tuple[object, ...]] = []

    def list_calls(self, account_id: AccountId | None, limit: int) -> list[CallRow]:
        self.asked.append((account_id, limit))
        return self._calls[:limit]

    def iterate_calls(self, from_ms: int, to_ms: int, account_id: AccountId | None) -> Iterator[CallRecord]:
        self.asked.append((from_ms, to_ms, account_id))
        return iter([row.call for row in self._calls])

    def find_receipt(self, call_id: str) -> Receipt | None:
        return next((Receipt(row, ()) for row in self._calls if row.call.id == call_id), None)

    def sum_usage(self, group_by: GroupBy, from_ms: int, to_ms: int, account_id: AccountId | None) -> list[UsageRow]:
        self.asked.append((group_by, from_ms, to_ms, account_id))
        return self._usage
