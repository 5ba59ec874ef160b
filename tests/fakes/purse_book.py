"""Purse book: allowances, entries, recalls and codes in memory."""

import msgspec.structs

from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance, AllowanceKind, Entry, EntryKind, EntryRow
from setaria.domain.ledger.codes import Code
from setaria.domain.ledger.leases import SWEEP_S
from setaria.domain.ledger.purses import PURSE_KINDS, RECALL_LIFE_MS, Held, Purse, is_over
from tests.fakes.clock import FakeClock


class FakePurseBook:
    """Implements the ports PurseBook, OverBook, RecallBook and CodeBook.

    `held` are the answers to `count_held`, of which the last stays; `recalls` the accounts being called home; `dead`:
    who holds was not seen for long.
    """

    def __init__(self, clock: FakeClock | None = None) -> None:
        self._clock = clock or FakeClock()
        self.allowances: dict[str, Allowance] = {}
        self.entries: list[Entry] = []
        self.codes: dict[bytes, Code] = {}
        self.recalls: dict[AccountId, int] = {}
        self.held = [Held(0, 0)]
        self.dead = False

    def add_allowance(self, allowance: Allowance) -> None:
        self.allowances[allowance.id] = allowance

    def lock_allowances(self, account_id: AccountId, kinds: tuple[AllowanceKind, ...]) -> list[Allowance]:
        own = [each for each in self.allowances.values() if each.account_id == account_id and each.kind in kinds]
        return sorted(own, key=lambda each: each.id)

    def change_allowance(self, allowance: Allowance) -> None:
        assert allowance.available + allowance.spent - allowance.debt == allowance.granted
        self.allowances[allowance.id] = allowance

    def list_purses(
        self, account_id: AccountId, kinds: tuple[AllowanceKind, ...] = PURSE_KINDS, since_ms: int = 0
    ) -> list[Purse]:
        own = self.lock_allowances(account_id, kinds)
        return [Purse(each, 0) for each in own if each.ends_at_ms is None or each.ends_at_ms > since_ms]

    def add_entry(self, entry: Entry) -> None:
        self.entries.append(entry)

    def list_entries(self, account_id: AccountId, limit: int) -> list[EntryRow]:
        own = [each for each in reversed(self.entries) if each.account_id == account_id]
        return [EntryRow(each, self.allowances[each.allowance_id].kind) for each in own[:limit]]

    def sum_entries(self, account_id: AccountId, allowance_id: str, kinds: tuple[EntryKind, ...]) -> int:
        place = (account_id, allowance_id)
        return sum(e.amount for e in self.entries if (e.account_id, e.allowance_id) == place and e.kind in kinds)

    def lock_over(self, account_id: AccountId | None, limit: int) -> list[Allowance]:
        now_ms = self._clock.now_ms()
        rows = sorted(self.allowances.values(), key=lambda each: each.id)
        own = [each for each in rows if account_id in (None, each.account_id) and each.kind in ("gift", "plan")]
        return [each for each in own if each.available > 0 and is_over(each, now_ms)][:limit]

    def list_debtors(self) -> list[AccountId]:
        return [*{each.account_id for each in self.allowances.values() if each.kind == "gift" and each.debt > 0}]

    def begin_recall(self, account_id: AccountId) -> bool:
        now_ms = self._clock.now_ms()
        if now_ms - self.recalls.get(account_id, 0) <= RECALL_LIFE_MS:
            return False
        self.recalls[account_id] = now_ms
        return True

    def end_recall(self, account_id: AccountId) -> None:
        self.recalls.pop(account_id, None)

    def count_held(self, account_id: AccountId) -> Held:
        assert account_id in self.recalls
        return self.held.pop(0) if len(self.held) > 1 else self.held[0]

    def sweep(self, unseen_s: int) -> int:
        if self.dead and unseen_s >= SWEEP_S:
            self.held = [Held(0, 0)]
        return int(self.dead)

    def add_code(self, code: Code) -> None:
        self.codes[code.digest] = code

    def find_code(self, digest: bytes) -> Code | None:
        return self.codes.get(digest)

    def redeem_code(self, digest: bytes, account_id: AccountId, at_ms: int) -> bool:
        code = self.codes[digest]
        if code.redeemed_at_ms is not None or (code.expires_at_ms is not None and code.expires_at_ms <= at_ms):
            return False
        self.codes[digest] = msgspec.structs.replace(code, redeemed_at_ms=at_ms, redeemed_by=account_id)
        return True

    def list_codes(self, batch: str | None) -> list[Code]:
        return [code for code in self.codes.values() if batch in (None, code.batch)]
