"""Spool: calls kept in memory, or not when the test says so."""

from setaria.core.errors import Unavailable
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord


class FakeSpool:
    """Implements the port Spool."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.is_full = False
        self.is_broken = False

    async def keep(self, call: CallRecord, debits: tuple[Debit, ...], oddity: str) -> None:
        if self.is_broken:
            raise Unavailable("the disk is full", retry_after_s=1)
        self.calls.append(call)
