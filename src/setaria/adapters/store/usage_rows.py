"""Usage rows: sums of calls as both planes read them; knows no engine."""

import datetime
from collections.abc import Mapping
from typing import Any

from setaria.core.usage import Usage
from setaria.domain.ledger.allowances import AllowanceKind, read_charges
from setaria.domain.ledger.receipt import Paid, Receipt
from setaria.domain.ledger.records import CallRecord, CallRow, UsageRow

DAY_MS = 86_400_000
USAGE = Usage.__struct_fields__
CHARGES = ("charge_nano", "charge_millicredits")
_RECORD = CallRecord.__struct_fields__
_EPOCH = datetime.date(1970, 1, 1)
_LAST_DAY = (datetime.date.max - _EPOCH).days


def first_id(moment_ms: int) -> str:
    """Give what every id of a call from this moment on is not before."""
    return f"{max(moment_ms, 0):012x}"


def date_of(day: int) -> str:
    """Write the date of a day since the epoch; days beyond the calendar are its last."""
    return (_EPOCH + datetime.timedelta(days=min(day, _LAST_DAY))).isoformat()


def record_from_values(values: Mapping[Any, Any]) -> CallRecord:  # what SQL gives has no types
    """Make a call of its columns."""
    usage = Usage(**{name: values[name] for name in USAGE})
    fields = {name: values[name] for name in _RECORD if name != "usage"}
    return CallRecord(usage=usage, **fields | {"stream": bool(fields["stream"])})


def usage_from_values(values: Mapping[Any, Any]) -> UsageRow:  # as above
    """Make a row of sums of `group`, `name`, `calls` and the summed columns."""
    group = values["group"]
    usage = Usage(**{name: values[name] for name in USAGE})
    charges = (values[name] for name in CHARGES)
    return UsageRow(group, values["name"] or group, values["calls"], usage, *charges)


def merge_usage(kept: list[UsageRow], dropped: list[UsageRow]) -> list[UsageRow]:
    """Add the sums of calls that are there and of those that were dropped, by group."""
    rows = {row.group: row for row in kept}
    for row in dropped:
        rows[row.group] = row.plus(rows[row.group]) if row.group in rows else row
    return [rows[group] for group in sorted(rows)]


def receipt_of(row: CallRow, kinds: Mapping[str, AllowanceKind]) -> Receipt:
    """Make a receipt of a call and the kinds of the allowances that paid for it."""
    paid = (Paid(charge, kinds.get(charge.allowance_id)) for charge in read_charges(row.call.charges))
    return Receipt(row, tuple(paid))
