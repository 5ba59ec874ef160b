"""Memory: what was said earlier in a dialogue is repeated, looked up or recalled later."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from training.generate.draw import Draw
from training.generate.sample import Sample, Turn, system, turns, user
from training.generate.smalltalk import small_talk_turn
from training.generate.topics import topic_turn
from training.generate.values import draw_text, draw_value

_SPOKEN = Path(__file__).with_name("facts.txt")
_FACTS: tuple[tuple[str, str], ...] = (
    ("name", "person"),
    ("city", "city"),
    ("number", "integer"),
    ("favorite color", "color"),
    ("file", "file"),
    ("email", "email"),
    ("code", "id"),
    ("birthday", "date"),
    ("dog", "person"),
    ("cat's name", "person"),
    ("order number", "id"),
    ("project", "short"),
    ("password hint", "word"),
    ("favorite food", "dish"),
    ("boss", "person"),
    ("street", "address"),
    ("flight", "flight"),
    ("room", "integer"),
    ("phone number", "phone"),
    ("meeting", "time"),
    ("car", "word"),
    ("job", "job"),
    ("sister", "person"),
    ("hometown", "city"),
    ("favorite book", "short"),
    ("user name", "username"),
    ("team", "short"),
    ("country", "country"),
    ("version", "version"),
    ("server", "host"),
)
_TOLD = (
    "My {key} is {value}.",
    "My {key} is {value}",
    "Remember that my {key} is {value}",
    "Note: my {key} is {value}",
    "Please remember: my {key} is {value}.",
    "my {key}: {value}",
    "Just so you know, my {key} is {value}.",
    "Keep in mind that my {key} is {value}",
    "Hi, my {key} is {value}.",
    "The {key} of mine is {value}.",
    "I tell you my {key}: {value}",
    "Don't forget: my {key} is {value}",
)
_ASKED = (
    "What is my {key}?",
    "Tell me my {key}",
    "What was my {key}?",
    "Do you remember my {key}?",
    "Do you still know my {key}?",
    "Which {key} do I have?",
    "my {key}?",
    "Can you tell me my {key}?",
    "What did I say is my {key}?",
    "What's my {key}",
    "Remind me of my {key}",
    "Please repeat my {key}",
    "And my {key}?",
    "I forgot my {key}, what is it?",
)
_NAMED = (
    "I am {value}",
    "I'm {value}.",
    "Call me {value}",
    "This is {value} speaking",
    "{value} here",
    "You can call me {value}.",
    "Hello, I am {value}!",
    "People call me {value}",
)
_WHO = (
    "What is my name?",
    "Who am I?",
    "Do you know my name?",
    "What am I called?",
    "Do you remember my name?",
    "What's my name?",
)
_LIVING = (
    "I live in {value}",
    "I am from {value}.",
    "I live in {value}.",
    "I moved to {value}",
    "My home is in {value}",
    "I come from {value}",
)
_WHERE = (
    "Where do I live?",
    "In which city do I live?",
    "Where am I from?",
    "Which city is my home?",
    "Do you remember where I live?",
)
_REPEATED = (
    "Repeat: {}",
    "Say {}",
    "Repeat after me: {}",
    "Echo {}",
    "Say exactly: {}",
    "Print {}",
    "Reply with only: {}",
    'Say "{}"',
    "Repeat the words {}",
    "Answer only with {}",
    "Repeat this: {}",
    "Write exactly: {}",
    "echo {}",
    "Please repeat {}",
    "Just say {}",
)


def recall_dialogue(draw: Draw) -> Sample:
    """Tell one to three facts, talk of something else, and ask for one of the facts."""
    facts = [_fact(draw) for _ in range(draw.random.choices((1, 2, 3), (6, 3, 1))[0])]
    facts = list({fact[1].thought.split(" is ")[0]: fact for fact in facts}.values())
    told = [fact[0] for fact in facts]
    others = [
        topic_turn(draw) if draw.chance(0.6) else small_talk_turn(draw) for _ in range(draw.one((0, 0, 1, 1, 2, 3)))
    ]
    asked = [fact[1] for fact in draw.some(facts, draw.whole(1, len(facts)))]
    thinking = draw.chance(0.5)
    return Sample("recall", turns([*told, *others, *asked], thinking=thinking), (), thinking)


def told_before_dialogue(draw: Draw) -> Sample:
    """Ask for a fact that the system message or the same message holds."""
    key, kind = draw.one(_FACTS)
    value = draw_text(draw, kind)
    thinking = draw.chance(0.5)
    question = draw.one(_ASKED).format(key=key)
    turn = Turn(question, f"The {key} is {value}.", f"Your {key} is {value}.")
    if draw.chance(0.5):
        text = draw.one(
            ("The user's {key} is {value}.", "User {key}: {value}", "Facts: {key} = {value}", "{key}: {value}")
        )
        messages = (system(text.format(key=key, value=value)), *turns([turn], thinking=thinking))
    else:
        text = f"{draw.one(_TOLD).format(key=key, value=value)} {question}"
        messages = turns([Turn(text, turn.thought, turn.answer)], thinking=thinking)
    return Sample("recall", messages, (), thinking)


def copy_dialogue(draw: Draw) -> Sample:
    """Repeat a text, or look a value up in a list: this teaches to copy."""
    thinking = draw.chance(0.5)
    turn = draw.one((_repeat, _repeat, _look_up, _as_json))(draw)
    return Sample("copy", turns([turn], thinking=thinking), (), thinking)


def many_look_ups(draw: Draw) -> Sample:
    """Look up several values of one list, one after the other."""
    table = _table(draw)
    thinking = draw.chance(0.3)
    asked = [
        Turn(draw.one(("{}?", "What is {}?", "{}", "And {}?")).format(key), f"{key} is {value}.", value)
        for key, value in draw.some(tuple(table.items()), draw.whole(2, 5))
    ]
    messages = turns(asked, thinking=thinking)
    text = "\n".join(f"{key}: {value}" for key, value in table.items())
    return Sample("copy", (user(f"{text}\n{asked[0].question}"), *messages[1:]), (), thinking)


def _fact(draw: Draw) -> tuple[Turn, Turn]:
    turn = draw.random.random()
    if turn < 0.14:
        return _said(draw, _NAMED, _WHO, ("name", draw_text(draw, "person")))
    if turn < 0.22:
        return _said(draw, _LIVING, _WHERE, ("city", draw_text(draw, "city")))
    if turn < 0.7:
        key, kind, told, asked = draw.one(_spoken_facts())
        return _said(draw, told, asked, (key, draw_text(draw, kind)))
    key, kind = draw.one(_FACTS)
    if draw.chance(0.15):
        key = draw.word("noun")
    return _said(draw, _TOLD, _ASKED, (key, draw_text(draw, kind)))


@cache
def _spoken_facts() -> tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...]:
    """Read `facts.txt`: of each fact its key, the kind of its values, how it is told and how it is asked for."""
    facts: list[tuple[str, str, list[str]]] = []
    for line in _SPOKEN.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            facts[-1][2].append(line[1:])
        elif not line.startswith("#"):
            key, _, kind = line.partition(": ")
            facts.append((key, kind, []))
    return tuple(
        (
            key,
            kind,
            tuple(line for line in lines if "{value}" in line),
            tuple(line for line in lines if "{value}" not in line),
        )
        for key, kind, lines in facts
    )


def _said(draw: Draw, told: tuple[str, ...], asked: tuple[str, ...], fact: tuple[str, str]) -> tuple[Turn, Turn]:
    key, value = fact
    first = draw.one(told).format(key=key, value=value)
    question = draw.one(asked).format(key=key)
    return (
        Turn(first, f"The {key} is {value}.", f"I will remember that your {key} is {value}."),
        Turn(question, f"The {key} is {value}.", f"Your {key} is {value}."),
    )


def _repeat(draw: Draw) -> Turn:
    kinds = ("text", "text", "short", "person", "city", "file", "id", "url", "expression", "command", "email", "number")
    makers: tuple[Callable[[], str], ...] = (
        lambda: draw_text(draw, draw.one(kinds)),
        lambda: " ".join(draw_text(draw, draw.one(kinds)) for _ in range(draw.whole(2, 4))),
        lambda: " ".join(draw.invented_word() for _ in range(draw.whole(2, 12))),
    )
    text = draw.one(makers)()
    return Turn(draw.one(_REPEATED).format(text), f"I repeat: {text}", text)


def _look_up(draw: Draw) -> Turn:
    table = _table(draw)
    key = draw.one(tuple(table))
    text = "\n".join(f"{name}: {value}" for name, value in table.items())
    question = draw.one(("What is {}?", "Give me {}", "{}?", "What does {} have?", "Look up {}")).format(key)
    return Turn(f"{text}\n{question}", f"{key} is {table[key]}.", table[key])


def _as_json(draw: Draw) -> Turn:
    table = {
        key: draw_value(draw, draw.one(("word", "integer", "person", "city"))) for key in _keys(draw, draw.whole(1, 3))
    }
    named = ", ".join(f"{key} {value}" for key, value in table.items())
    question = draw.one(
        ("Give me JSON with {}", "Answer in JSON: {}", "As JSON: {}", "Write a JSON object with {}")
    ).format(named)
    return Turn(question, "I write the JSON.", json.dumps(table, ensure_ascii=False))


def _table(draw: Draw) -> dict[str, str]:
    kinds = ("person", "city", "integer", "word", "id", "date", "email", "file", "short", "time")
    return {key: draw_text(draw, draw.one(kinds)) for key in _keys(draw, draw.whole(2, 8))}


def _keys(draw: Draw, many: int) -> list[str]:
    keys = (draw.invented_word() if draw.chance(0.6) else draw.plain_word() for _ in range(many))
    return list(dict.fromkeys(keys))
