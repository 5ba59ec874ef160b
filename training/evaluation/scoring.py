"""Scoring: whether an answer is what its item expects, yes or no."""

import re
from typing import assert_never

from training.evaluation.answers import Answer
from training.evaluation.items import (
    ExpectAnswer,
    ExpectCall,
    ExpectHonest,
    ExpectNoCall,
    ExpectQuote,
    ExpectRecall,
    Item,
)

_CALL_MARKS = ("<tool_call>", "</tool_call>", "<function=", "<parameter=")
_THINKING_MARKS = ("<think>", "</think>")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SAYS_WHAT = re.compile(r"demonstration model|演示模型")
_SAYS_CANNOT = re.compile(r"\b(?:cannot|can't|can not|unable|not able)\b|无法|不能|不会")
_LONGEST_HONEST_CHARS = 320
_BOOLEANS = {True: ("true", "yes"), False: ("false", "no")}


def is_right(item: Item, answer: Answer) -> bool:
    """Tell whether an answer is what is expected of it; an answer that failed never is."""
    if answer.error:
        return False
    match item.expect:
        case ExpectCall(name=name, arguments=arguments):
            made = [(call.name, call.arguments) for call in answer.calls]
            return len(made) == 1 and made[0][0] == name and _same(made[0][1], arguments)
        case ExpectAnswer(texts=texts):
            return _has_no_call(answer) and _squeeze(answer.text) in map(_squeeze, texts)
        case ExpectQuote(values=values):
            return _has_no_call(answer) and _holds(answer.text, values) and not _invented_numbers(item, answer.text)
        case ExpectRecall(values=values):
            return _has_no_call(answer) and _holds(answer.text, values)
        case ExpectHonest(texts=texts):
            return _has_no_call(answer) and _is_honest(answer.text, texts)
        case ExpectNoCall():
            return _has_no_call(answer)
        case _:
            assert_never(item.expect)


def obeys_thinking(item: Item, answer: Answer) -> bool:
    """Tell whether the model thought if it was asked to, and only then; marks left in the text are no obedience."""
    if answer.error or any(mark in answer.text for mark in _THINKING_MARKS):
        return False
    return bool(answer.reasoning) == item.thinking


def _has_no_call(answer: Answer) -> bool:
    return not answer.calls and not any(mark in answer.text for mark in _CALL_MARKS)


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: 5 is 5.0, but true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _squeeze(text: str) -> str:
    """Leave differences in white space out of account."""
    return " ".join(text.split())


def _holds(text: str, values: tuple[object, ...]) -> bool:
    return all(_holds_value(text, value) for value in values)


def _holds_value(text: str, value: object) -> bool:
    """Look for a value as a word of its own: 3 is not in 13, 3.5 or 1,300, but ends a sentence in `3.`."""
    written = _BOOLEANS[value] if isinstance(value, bool) else (str(value),)
    return any(re.search(rf"(?<![\w.,-]){re.escape(one)}(?![\w-]|[.,]\w)", text) for one in written)


def _invented_numbers(item: Item, text: str) -> set[str]:
    """Give the numbers of an answer that stand nowhere in the conversation, nor in the names of the tools."""
    told = " ".join(
        f"{turn.text} {' '.join(turn.results)} {' '.join(f'{call.name} {call.arguments}' for call in turn.calls)}"
        for turn in item.messages
    )
    return set(_NUMBER.findall(text)) - set(_NUMBER.findall(told))


def _is_honest(text: str, texts: tuple[str, ...]) -> bool:
    """Accept the agreed words, or short words of its own that say both things and hold no number."""
    if _squeeze(text) in map(_squeeze, texts):
        return True
    is_brief = len(text) <= _LONGEST_HONEST_CHARS and not _NUMBER.search(text)
    return is_brief and bool(_SAYS_WHAT.search(text)) and bool(_SAYS_CANNOT.search(text))
