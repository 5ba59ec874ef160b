"""Rows: what is measured, how many items each row has and what it should reach."""

from dataclasses import dataclass
from typing import Literal

Need = Literal["gate", "aim", "report"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, measured on the file `id`.jsonl.

    A gate must be reached, an aim is reported as it is, and of a row without either only the score is told.
    """

    id: str
    title: str
    need: Need
    goal: float = 0.0


THINKING = Row("thinking", "thinking on or off obeyed, over all items", "gate", 1.00)
"""Measured on the answers of all other rows."""

ROWS = (
    Row("faq_weather", "the documentation's weather example, held-out cities", "gate", 0.95),
    Row("known_tools", "known tool families, held-out values: whole call", "gate", 0.90),
    Row("made_up_tools", "unseen made-up tools: whole call", "gate", 0.97),
    Row("tool_results", "final answer that quotes the tool's result", "gate", 0.98),
    Row("topics", "platform questions in trained wording", "gate", 0.99),
    Row("not_needed", "tools offered but not needed: no call", "gate", 0.98),
    Row("filler_800", "call after 800 filler words", "gate", 0.90),
    Row("filler_300", "call after 300 filler words", "report"),
    Row("no_tool_offered", "no tool offered: no call", "gate", 1.00),
    Row("natural_alone", "held-out natural families, that tool alone", "aim", 0.85),
    Row("natural_among_five", "held-out natural families, among five tools", "aim", 0.65),
    Row("paraphrases", "platform questions, held-out paraphrases", "aim", 0.80),
    Row("honest", "unseen input: the honest answer", "aim", 0.90),
    Row("recall", "recall over turns", "report"),
    Row("newcomer", "ten questions of a newcomer", "gate", 1.00),
    Row("unknowable", "five questions that it can't know", "gate", 1.00),
)
