"""Receipt: a call with all that its owner may ask about what it cost."""

from collections.abc import Mapping

import msgspec

from setaria.core.usage import CountsFrom
from setaria.domain.ledger.allowances import AllowanceKind, Charge
from setaria.domain.ledger.records import CallRecord, CallRow, Ending

_ENDINGS: Mapping[Ending, str] = {
    "completed": "the answer was whole",
    "client_gone": "the client left before the end: what the model had said by then is charged",
    "upstream_failed": "the model server failed: what it had said by then is charged",
    "upstream_cut": "the model server broke off: what it had said by then is charged",
    "timeout": "the model server was silent for too long: what it had said by then is charged",
    "out_of_funds": "the answer was cut off, for nothing was left to pay more of it with",
    "shutdown": "the server stopped: what the model had said by then is charged",
}
_COUNTS: Mapping[CountsFrom, str] = {
    "upstream": "the model server counted the tokens",
    "tokenizer": "the tokens were counted by the model's own tokenizer",
    "estimate": "the model server did not count: the tokens are an estimate",
}


class Paid(msgspec.Struct, frozen=True):
    """What one allowance paid; its kind is empty when it is not there any more."""

    charge: Charge
    kind: AllowanceKind | None


class Receipt(msgspec.Struct, frozen=True):
    """A call, and which allowances paid for it."""

    row: CallRow
    paid: tuple[Paid, ...]


def explain(call: CallRecord) -> str:
    """Say in words why a call cost what it did."""
    return "; ".join(filter(None, (_ENDINGS[call.ending], _COUNTS[call.counts_from], call.note)))
