"""Records: one row a call."""

from typing import Literal

import msgspec

from setaria.core.ids import AccountId, CallId, KeyId
from setaria.core.protocol import Lane, ProtocolName
from setaria.core.usage import CountsFrom, Usage

Ending = Literal["completed", "client_gone", "upstream_failed", "upstream_cut", "timeout", "out_of_funds", "shutdown"]
Outcome = Literal["written", "quarantined"]
"""What became of a call that is durable: it is on the books, or kept aside because they could not take it."""

GroupBy = Literal["day", "model", "key"]


class CallRecord(msgspec.Struct, frozen=True, gc=False):
    """What one admitted call took, whatever its ending.

    `at_ms` is when it was admitted, whose price and window it is charged by: the id, which names the moment when its
    head had come, may be a little older. `charge_nano` is in nano-units of the installation's currency: 0 for a model
    whose price is 0.
    `first_token_ms` is None when nothing came. `charges` says which allowances paid how much (`write_charges`);
    `note` why the amount is what it is, where that is not plain.
    """

    id: CallId
    at_ms: int
    account_id: AccountId
    key_id: KeyId
    model: str
    protocol: ProtocolName
    upstream: str
    stream: bool
    status: int
    ending: Ending
    counts_from: CountsFrom
    usage: Usage
    charge_nano: int
    first_token_ms: int | None
    duration_ms: int
    attempts: int
    lane: Lane = "payg"
    subscription_id: str = ""
    price_id: str = ""
    charge_millicredits: int = 0
    charges: str = ""
    note: str = ""


class CallRow(msgspec.Struct, frozen=True):
    """A call as it is listed: the record with the names people gave to account and key."""

    call: CallRecord
    account_name: str
    key_name: str


class UsageRow(msgspec.Struct, frozen=True):
    """Sums over the calls of one day, model or key; `group` is the ISO date, the model id or the key id."""

    group: str
    name: str
    calls: int
    usage: Usage
    charge_nano: int
    charge_millicredits: int = 0

    def plus(self, other: "UsageRow") -> "UsageRow":
        """Add the sums of another row of the same group."""
        return UsageRow(
            self.group,
            other.name or self.name,
            self.calls + other.calls,
            self.usage.plus(other.usage),
            self.charge_nano + other.charge_nano,
            self.charge_millicredits + other.charge_millicredits,
        )
