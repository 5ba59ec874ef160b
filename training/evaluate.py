"""Evaluate: measures the built-in model, or another in the same layout, as it is served.

`python -m training.evaluate [--set frozen|development] [--model FOLDER] [--row ID ...] [--wrong] [--json]`

The exit code is 0 when every gate was reached, else 1.
"""

import argparse
import sys
from pathlib import Path
from typing import Literal, get_args

import msgspec

from setaria.bootstrap.catalog import SEEDLING_FOLDER
from setaria.core.clock import SystemClock
from training.evaluation.answers import Answer, answer_items
from training.evaluation.items import Item, SetName, read_items, set_folder
from training.evaluation.report import Report, score_rows, write_table
from training.evaluation.rows import ROWS, Row
from training.evaluation.scoring import is_right
from training.evaluation.seal import seal_of


class _Flags(argparse.Namespace):
    """What the command line says."""

    set: SetName = "frozen"
    model: Path = SEEDLING_FOLDER
    rows: list[str] | None = None
    wrong: bool = False
    json: bool = False


def main() -> Literal[0, 1]:
    """Run the evaluation that the command line asks for and print it."""
    flags = _read_flags()
    folder = set_folder(flags.set)
    chosen = [row for row in ROWS if flags.rows is None or row.id in flags.rows]
    items = {row: read_items(folder / f"{row.id}.jsonl") for row in chosen}
    clock = SystemClock()
    started_s = clock.monotonic_s()
    answers = answer_items(flags.model, [item for each in items.values() for item in each])
    report = Report(
        set=flags.set,
        seal=seal_of(folder),
        model=str(flags.model),
        output_tokens=sum(answer.output_tokens for answer in answers.values()),
        duration_s=round(clock.monotonic_s() - started_s, 1),
        rows=score_rows(items, answers),
    )
    lines = _wrong_answers(items, answers) if flags.wrong else []
    lines.append(msgspec.json.encode(report).decode() if flags.json else write_table(report))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if report.passed else 1


def _read_flags() -> _Flags:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="Measure the built-in model.")
    parser.add_argument("--set", choices=get_args(SetName), help="the test set; frozen by default")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="the model's folder; the built-in one by default")
    parser.add_argument("--row", dest="rows", action="append", choices=[row.id for row in ROWS], help="only this row")
    parser.add_argument("--wrong", action="store_true", help="list what was answered wrongly; development set only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    flags = parser.parse_args(namespace=_Flags())
    if flags.wrong and flags.set == "frozen":
        parser.error("--wrong is for the development set: nobody looks into the frozen one, so that nobody tunes on it")
    return flags


def _wrong_answers(items: dict[Row, list[Item]], answers: dict[str, Answer]) -> list[str]:
    """Write each wrong answer beside what was asked and expected."""
    return [
        msgspec.json.encode({"id": item.id, "asked": item.messages[-1], "expect": item.expect, "got": answer}).decode()
        for each in items.values()
        for item in each
        if not is_right(item, answer := answers[item.id])
    ]


if __name__ == "__main__":
    sys.exit(main())
