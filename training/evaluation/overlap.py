"""Overlap: how much of the frozen set stands in the training data word for word, row by row.

`python -m training.evaluation.overlap FILE ...`, each a text file with training dialogues in any form. It prints counts
only, so that whoever trains learns nothing about single items.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from training.evaluation.items import ExpectCall, ExpectQuote, ExpectRecall, Item, read_items, set_folder
from training.evaluation.rows import ROWS

_WORD = re.compile(r"[^\W_]+")
_LEAST_CHARS = 8  # shorter ones turn up by chance


def normalise(text: str) -> str:
    """Leave case, punctuation and white space out of account."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def count_overlap(items: Iterable[Item], trained: str) -> tuple[int, int]:
    """Count the questions, and the values to be copied, that occur in training data given in normal form."""
    questions, values = 0, 0
    for item in items:
        questions += _occurs(item.messages[-1].text, trained)
        values += sum(_occurs(value, trained) for value in _values(item))
    return questions, values


def _values(item: Item) -> list[str]:
    match item.expect:
        case ExpectCall(arguments=arguments):
            values = tuple(arguments.values())
        case ExpectQuote(values=told) | ExpectRecall(values=told):
            values = told
        case _:
            values = ()
    return [value for value in values if isinstance(value, str)]


def _occurs(text: str, trained: str) -> bool:
    wanted = normalise(text)
    return len(wanted) - 2 >= _LEAST_CHARS and wanted in trained


def main() -> None:
    """Count for the files that the command line names."""
    trained = "".join(normalise(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:])
    sys.stdout.write(f"{'row':<20} {'items':>6} {'questions':>10} {'values':>7}\n")
    for row in ROWS:
        items = read_items(set_folder("frozen") / f"{row.id}.jsonl")
        questions, values = count_overlap(items, trained)
        sys.stdout.write(f"{row.id:<20} {len(items):>6} {questions:>10} {values:>7}\n")


if __name__ == "__main__":
    main()
