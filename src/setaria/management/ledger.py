"""Ledger: what people ask of the books as a whole: whether they are right, and all that is in them."""

import csv
import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.core.errors import InvalidRequest
from setaria.core.ids import AccountId
from setaria.core.money import decimal_from_millicredits, decimal_from_nano
from setaria.domain.ledger.allowances import Allowance, AllowanceKind, Entry, read_charges
from setaria.domain.ledger.ports import ProofBook
from setaria.domain.ledger.proof import ChargedCall, Proof, UpstreamSum, prove
from setaria.management.usage import read_period

_CREDITS: frozenset[AllowanceKind] = frozenset({"plan", "window"})
_COUNTED = ("calls", "input_tokens", "cached_input_tokens", "output_tokens")
_DAY_MS = 86_400_000
_WHOLE = re.compile(r"[0-9]+|[0-9]{1,3}(,[0-9]{3})+")


class Movement(msgspec.Struct, frozen=True):
    """A line of the export: what one call or entry moved of one allowance; a call's amount is negative."""

    id: str
    at: str
    account: str
    kind: str
    allowance: str
    amount: str
    unit: str
    model: str
    actor: str
    reason: str


class Difference(msgspec.Struct, frozen=True):
    """A figure of an invoice beside our own; `percent` is what the invoice says more, None where we have nothing."""

    id: str
    day: str
    model: str
    invoice: int
    books: int
    percent: float | None
    is_within: bool


def verify_ledger(book: ProofBook) -> Proof:
    """Hold the books against all their rules; servers may run meanwhile."""
    return prove(book.read_books())


def export_movements(
    book: ProofBook, currency: str, account_id: AccountId | None, from_ms: int, to_ms: int | None
) -> Iterator[Movement]:
    """Give every movement in the order of time, calls and entries together.

    Takes: currency, that of all money of the books.
    """
    kinds = {allowance.id: allowance for allowance in book.read_books().allowances}
    entries = (
        (entry.id, _from_entry(entry, kinds, currency)) for entry in book.read_entries(account_id, from_ms, to_ms)
    )
    calls = (
        (call.id, _from_call(call, kinds, currency)) for call in book.read_charged_calls(account_id, from_ms, to_ms)
    )
    for _, movements in heapq.merge(entries, calls, key=lambda pair: pair[0]):
        yield from movements


def reconcile(
    book: ProofBook, upstream: str, invoice: TextIO, served: Iterable[tuple[str, str]], tolerance_percent: float
) -> list[Difference]:
    """Compare an upstream's invoice with our books, by day, model and column.

    Models that one side does not tell apart are compared as one, `a + b`.
    Takes: invoice, a CSV file with the columns `day` and `model` and any of `calls`, `input_tokens`,
        `cached_input_tokens` and `output_tokens`, whose models are the upstream's or ours; served, our ids with the
        upstream's name of each model that serves them.
    Raises: InvalidRequest, which names the line that can't be read.
    """
    ours, theirs = _name_models(served)
    told = _read_invoice(invoice, ours | theirs)
    if not told:
        raise InvalidRequest("the invoice has no rows")
    days = sorted(day for day, _ in told)
    period = read_period(days[0], days[-1], 0)
    own: dict[tuple[str, str], Counter[str]] = {}
    for row in book.sum_by_upstream(upstream, period.from_ms, period.to_ms):
        own.setdefault((row.day, ours.get(row.model, row.model)), Counter()).update(_count(row))
    columns = [name for name in _COUNTED if any(name in row for row in told.values())]
    found = []
    for day, model in sorted(told.keys() | own.keys()):
        for column in columns:
            stated, kept = (side.get((day, model), {}).get(column, 0) for side in (told, own))
            percent = round(100 * (stated - kept) / kept, 3) if kept else (0.0 if stated == kept else None)
            is_within = percent is not None and abs(percent) <= tolerance_percent
            found.append(Difference(column, day, model, stated, kept, percent, is_within))
    return found


def _from_entry(entry: Entry, kinds: Mapping[str, Allowance], currency: str) -> list[Movement]:
    if entry.kind == "checkpoint":
        return []  # it stands for calls that were exported before they were dropped
    return [
        Movement(
            entry.id,
            iso_from_ms(entry.at_ms),
            entry.account_id,
            entry.kind,
            *_amount(entry.allowance_id, entry.amount, kinds, currency),
            "",
            entry.actor,
            entry.reason,
        )
    ]


def _from_call(call: ChargedCall, kinds: Mapping[str, Allowance], currency: str) -> list[Movement]:
    return [
        Movement(
            call.id,
            iso_from_ms(call.at_ms),
            call.account_id,
            "call",
            *_amount(part.allowance_id, -part.amount, kinds, currency),
            call.model,
            "",
            "",
        )
        for part in read_charges(call.charges)
    ]


def _amount(allowance_id: str, amount: int, kinds: Mapping[str, Allowance], currency: str) -> tuple[str, str, str]:
    allowance = kinds.get(allowance_id)
    if allowance is not None and allowance.kind in _CREDITS:
        return allowance_id, decimal_from_millicredits(amount), "credits"
    return allowance_id, decimal_from_nano(amount), currency


def _name_models(served: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Give the name under which each of our models is compared, and each of the upstream's.

    Worked: m served by M alone is `m`; where M serves m2 too, all three are `m + m2`; where m is served by N too, M, N
    and m are `m`.
    """
    groups: list[tuple[set[str], set[str]]] = []
    for our, their in served:
        joined, apart = ({our}, {their}), []
        for group in groups:
            if our in group[0] or their in group[1]:
                joined = (joined[0] | group[0], joined[1] | group[1])
            else:
                apart.append(group)
        groups = [*apart, joined]
    named = [(" + ".join(sorted(ours)), ours, theirs) for ours, theirs in groups]
    return (
        {each: name for name, ours, _ in named for each in ours},
        {each: name for name, _, theirs in named for each in theirs},
    )


def _count(row: UpstreamSum) -> dict[str, int]:
    return {
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "cached_input_tokens": row.cached_input_tokens,
        "output_tokens": row.output_tokens,
    }


def _read_invoice(invoice: TextIO, models: Mapping[str, str]) -> dict[tuple[str, str], dict[str, int]]:
    rows: dict[tuple[str, str], dict[str, int]] = {}
    reader = csv.DictReader(invoice)
    names = {name.strip().lower() for name in reader.fieldnames or ()}
    if not {"day", "model"} <= names or not names & {*_COUNTED}:
        raise InvalidRequest(
            f"the first line of the invoice must name the columns day, model and any of {', '.join(_COUNTED)}"
        )
    for values in reader:
        try:
            day, model, counted = _read_row(values)
        except (ValueError, InvalidRequest):
            raise InvalidRequest(
                f"line {reader.line_num} of the invoice can't be read: a day such as 2026-11-23 and whole numbers, one "
                "at the least, are expected, and no more cells than the first line names columns"
            ) from None
        row = rows.setdefault((day, models.get(model, model)), {})
        for name, value in counted.items():
            row[name] = row.get(name, 0) + value
    return rows


def _read_row(values: dict[str | None, str | list[str] | None]) -> tuple[str, str, dict[str, int]]:
    """Read day, model and counts of a row as `csv` gives it: a list, under None, is what lies beyond the columns.

    Raises: ValueError, InvalidRequest.
    """
    plain: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, list):
            if any(cell.strip() for cell in value):  # a comma too many does no harm, but a number there would be lost
                raise ValueError(value)
        else:
            plain[(name or "").strip().lower()] = (value or "").strip()
    counted = {name: _read_whole(plain[name]) for name in _COUNTED if plain.get(name)}
    if not counted:
        raise ValueError(plain)
    return iso_from_ms(read_period(plain["day"], plain["day"], 0).from_ms)[:10], plain["model"], counted


def _read_whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text.replace(",", ""))


def count_off(differences: Iterable[Difference]) -> int:
    """Count what differs by more than was tolerated."""
    return sum(not difference.is_within for difference in differences)
