"""Meter: what was counted, kept in memory."""

from setaria.core.protocol import ProtocolName
from setaria.domain.ledger.records import CallRecord


class FakeMeter:
    """Implements the port Meter."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.parents: list[bytes] = []
        self.refusals: list[tuple[str, int]] = []
        self.dropped_fields: list[tuple[ProtocolName, int]] = []
        self.lost_settlements = 0

    def count_call(self, record: CallRecord, parent: bytes) -> None:
        self.calls.append(record)
        self.parents.append(parent)

    def count_refusal(self, error: str, status: int) -> None:
        self.refusals.append((error, status))

    def count_dropped_fields(self, protocol: ProtocolName, fields: int) -> None:
        self.dropped_fields.append((protocol, fields))

    def count_lost_settlement(self) -> None:
        self.lost_settlements += 1
