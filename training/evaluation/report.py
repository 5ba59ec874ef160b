"""Report: the scores of one evaluation, as a table for people and as JSON for programs."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from training.evaluation.answers import Answer
from training.evaluation.items import Item
from training.evaluation.rows import THINKING, Need, Row
from training.evaluation.scoring import is_right, obeys_thinking

Verdict = Literal["pass", "fail", "below", "-"]

_HEAD = f"| {'row':<55} | items | score | goal      | result |\n|{'-' * 57}|------:|------:|-----------|--------|"


class Score(msgspec.Struct, frozen=True):
    """One row as it was measured; an aim that is missed is `below`, a missed gate is `fail`."""

    id: str
    title: str
    n: int
    right: int
    score: float
    need: Need
    goal: float
    result: Verdict


class Report(msgspec.Struct, frozen=True):
    """One evaluation; `seal` is the checksum of the set it was measured on."""

    set: str
    seal: str
    model: str
    output_tokens: int
    duration_s: float
    rows: tuple[Score, ...]

    @property
    def passed(self) -> bool:
        """Tell whether every gate was reached."""
        return all(row.result != "fail" for row in self.rows)


def score_rows(items: Mapping[Row, Sequence[Item]], answers: Mapping[str, Answer]) -> tuple[Score, ...]:
    """Score each row on its items, and whether thinking was obeyed on all of them."""
    scores = [_score(row, [is_right(item, answers[item.id]) for item in each]) for row, each in items.items()]
    obeyed = [obeys_thinking(item, answers[item.id]) for each in items.values() for item in each]
    return (*scores, _score(THINKING, obeyed))


def write_table(report: Report) -> str:
    """Write a report as the table of the model card, in Markdown."""
    name = report.model.rpartition("/")[2]
    lines = [f"Model `{name}`, {report.set} set, seal `{report.seal[:12]}`.", "", _HEAD]
    for row in report.rows:
        goal = "-" if row.need == "report" else f"{row.need} {row.goal:.2f}"
        lines.append(f"| {row.title:<55} | {row.n:>5} | {row.score:>5.3f} | {goal:<9} | {row.result:<6} |")
    speed = report.output_tokens / report.duration_s if report.duration_s else 0.0
    lines += ["", f"{report.output_tokens} tokens in {report.duration_s:.0f} s, {speed:.0f} a second."]
    return "\n".join(lines)


def _score(row: Row, right: Sequence[bool]) -> Score:
    score = sum(right) / len(right) if right else 0.0
    return Score(row.id, row.title, len(right), sum(right), round(score, 4), row.need, row.goal, _judge(row, score))


def _judge(row: Row, score: float) -> Verdict:
    if row.need == "report":
        return "-"
    if score >= row.goal:
        return "pass"
    return "fail" if row.need == "gate" else "below"
