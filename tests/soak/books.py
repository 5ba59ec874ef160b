"""Books: whether the server's rows and its log agree with what its clients saw."""

import contextlib
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.soak.tally import Tally

REFUSALS = (400, 401, 403, 404, 413, 429)


class Books(NamedTuple):
    """What was put down: the ending of each row, how often each call is in the log, and the log's complaints."""

    rows: dict[str, str]
    calls: Counter[str]
    refused: Counter[str]
    complaints: list[str]


def read_books(data: Path, log: str) -> Books:
    """Read the rows and the log."""
    with contextlib.closing(sqlite3.connect(data / "setaria.db")) as database:
        rows = dict(database.execute("SELECT id, ending FROM calls"))
    calls: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    complaints = []
    for line in log.splitlines():
        if not line.startswith("{"):
            complaints.append(line[:200])
            continue
        told = json.loads(line)
        if told["event"] == "call":
            calls[told["call"]] += 1
        elif told["event"] == "refused":
            refused[told["call"]] += 1
        if told["level"] in ("error", "critical") or told["event"] == "process_died":
            complaints.append(line[:200])
    return Books(rows, calls, refused, complaints)


def find_faults(books: Books, tally: Tally) -> list[str]:
    """Hold rows, log and clients against each other; gives what does not agree."""
    faults = [f"{each} has {count} lines in the log" for each, count in books.calls.items() if count != 1]
    faults += [f"{each} is on the books and refused" for each in books.rows.keys() & books.refused.keys()]
    faults += [f"{each} has a line in the log and no row" for each in books.calls.keys() - books.rows.keys()]
    faults += [f"{each} has a row and no line in the log" for each in books.rows.keys() - books.calls.keys()]
    for call_id, status in tally.heard.items():
        if status in REFUSALS and call_id in books.rows:
            faults.append(f"{call_id} was told {status} and has a row")
        elif call_id not in books.rows and call_id not in books.refused:
            faults.append(f"{call_id} was told {status} and has neither a row nor a refusal")
        elif status == 200 and call_id not in books.rows:
            faults.append(f"{call_id} was answered and has no row")
    strangers = len(books.rows.keys() - tally.heard.keys())
    if strangers > tally.unheard:
        faults.append(f"{strangers} rows are of calls that nobody made")
    return faults
