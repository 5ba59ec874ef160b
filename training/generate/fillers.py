"""Fillers: system messages and other long texts round the question, as agents send them, that change nothing."""

import math

from training.generate.draw import Draw
from training.generate.values import draw_text

_SHORTEST_WORDS = 40
_LONGEST_WORDS = 900
_PERSONAS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant. Answer briefly.",
    "You are {name}, a {adjective} assistant for {noun}s.",
    "You are a {adjective} coding agent.",
    "You are an expert in {noun}s.",
    "You are {name}.",
    "Be {adjective} and {adjective}.",
    "Use the tools when they help.",
    "Answer in one sentence.",
    "You help the users of {name} with their {noun}s.",
    "Today is {date}.",
    "Today is {date}. You are in {city}.",
    "You have access to tools. Call them when needed.",
    "Do not make up facts.",
    "Respond in English.",
)
_ORDERS = (
    "Always",
    "Never",
    "Use",
    "Be",
    "Keep",
    "Answer",
    "Think",
    "Write",
    "Check",
    "Follow",
    "Do not",
    "You must",
    "You should",
    "Avoid",
    "Prefer",
    "When needed",
    "If possible",
    "Remember to",
    "Make sure to",
    "Before you answer,",
)
_HEADINGS = (
    "Instructions",
    "Rules",
    "Style",
    "Environment",
    "Tools",
    "Context",
    "Important",
    "Notes",
    "Examples",
    "Tone",
    "Output",
    "Memory",
    "Task",
    "Policy",
)
_CUT = "\n[...]\n"
_TAGS = ("system-reminder", "context", "env", "environment_details", "document", "instructions")


def system_text(draw: Draw) -> str:
    """Write a short system message, as most programs send."""
    if draw.chance(0.5):
        return " ".join(_persona(draw) for _ in range(draw.whole(1, 2)))
    return " ".join(_order(draw) for _ in range(draw.whole(1, 3)))


def filler(draw: Draw, shortest: int = _SHORTEST_WORDS, longest: int = _LONGEST_WORDS) -> str:
    """Write a long text of `shortest` to `longest` words, short ones more often than long ones."""
    words = int(math.exp(draw.random.uniform(math.log(shortest), math.log(longest))))
    style = draw.whole(0, 3)
    if style == 0:
        return " ".join(draw.plain_word() if draw.chance(0.85) else draw.invented_word() for _ in range(words))
    parts: list[str] = [_persona(draw)]
    count = len(parts[0].split())
    while count < words:
        part = _block(draw) if style == 1 else _order(draw)
        parts.append(part)
        count += len(part.split())
    text = ("\n" if style == 1 else " ").join(parts)
    return _cut(draw, text) if draw.chance(0.2) else text


def wrap_question(draw: Draw, question: str) -> str:
    """Put a block of context before or after a question, as agents do within the user's message."""
    tag = draw.one(_TAGS)
    block = f"<{tag}>\n{filler(draw, 10, 200)}\n</{tag}>"
    return f"{block}\n{question}" if draw.chance(0.7) else f"{question}\n\n{block}"


def _cut(draw: Draw, text: str) -> str:
    """Leave out the middle, as the engine does with what is too long."""
    place = draw.whole(len(text) // 3, 2 * len(text) // 3)
    return text[:place] + _CUT + text[place + len(text) // 5 :]


def _block(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.2:
        return f"\n# {draw.one(_HEADINGS)}"
    if turn < 0.6:
        return f"- {_order(draw)}"
    if turn < 0.75:
        return (
            f"{draw.plain_word()}: {draw_text(draw, draw.one(('file', 'word', 'integer', 'url', 'command', 'date')))}"
        )
    if turn < 0.85:
        return f"{draw.whole(1, 9)}. {_order(draw)}"
    return _order(draw)


def _order(draw: Draw) -> str:
    kinds = ("noun", "noun", "adjective", "verb", "function", "function", "function", "adverb")
    words = [
        draw.word(draw.one(kinds)) if draw.chance(0.93) else draw.invented_word() for _ in range(draw.whole(3, 14))
    ]
    return f"{draw.one(_ORDERS)} {' '.join(words)}{draw.one(('.', '.', '.', '!', ';'))}"


def _persona(draw: Draw) -> str:
    return draw.one(_PERSONAS).format(
        name=draw.name(),
        adjective=draw.word("adjective"),
        noun=draw.word("noun"),
        date=draw_text(draw, "date"),
        city=draw_text(draw, "city"),
    )
