"""Values: what arguments, results and facts are filled with, by kind. None of them is held out for the evaluation."""

import string
from collections.abc import Callable

from training.generate import lexicon, phrases, technical
from training.generate.draw import Draw
from training.generate.sample import Value
from training.held_out import is_held_out

_STREETS = ("Street", "Road", "Avenue", "Lane", "Square", "Boulevard", "Way", "Court", "Drive", "Hill", "Row", "Market")
_DISHES = ("soup", "salad", "curry", "stew", "pie", "cake", "noodles", "dumplings", "burger", "rice", "bread", "ragout")
_ROOMS = ("room", "room", "room", "hall", "chamber", "corner", "lab", "office", "cellar")


def draw_value(draw: Draw, kind: str) -> Value:
    """Draw a value of this kind, again and again until it is not held out.

    Raises: KeyError for a kind that is not known.
    """
    while True:
        value = _KINDS[kind](draw) if kind in _KINDS else draw.one(lexicon.free_words(kind))
        if not is_forbidden(value):
            return value


def draw_text(draw: Draw, kind: str) -> str:
    """Draw a value of this kind as the text that a person writes for it."""
    return spoken(draw, draw_value(draw, kind))


def spoken(draw: Draw, value: Value) -> str:
    """Write a value as a person does: lists with commas and `and`."""
    if isinstance(value, list):
        items = [str(item) for item in value]
        last = draw.one((" and ", ", ", ", and ")) if len(items) > 1 else ""
        return ", ".join(items[:-1]) + last + items[-1]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def is_forbidden(value: Value) -> bool:
    """Tell whether a value, or one within it, belongs to the evaluation."""
    if isinstance(value, list):
        return any(is_forbidden(item) for item in value)
    if isinstance(value, dict):
        return any(is_forbidden(item) for item in value.values())
    return isinstance(value, str) and value != "" and is_held_out(value)


def _city(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.42:
        return draw.word("city")
    if turn < 0.5:
        return draw.word("place")
    return (draw.one(("New ", "Old ", "Port ", "San ", "Upper ", "East ")) if turn < 0.6 else "") + draw.name()


def _person(draw: Draw) -> str:
    first = draw.word("given") if draw.chance(0.5) else draw.name()
    if draw.chance(0.6):
        return first
    return f"{first} {draw.word('family') if draw.chance(0.6) else draw.name()}"


def _surname(draw: Draw) -> str:
    return draw.one(("Dr. ", "Doctor ", "", "", "")) + (draw.word("family") if draw.chance(0.5) else draw.name())


def _date(draw: Draw) -> str:
    return f"20{draw.whole(19, 35)}-{draw.whole(1, 12):02d}-{draw.whole(1, 28):02d}"


def _time(draw: Draw) -> str:
    return f"{draw.whole(0, 23):02d}:{draw.whole(0, 59) if draw.chance(0.4) else draw.one((0, 15, 30, 45)):02d}"


def _phone(draw: Draw) -> str:
    digits = "".join(draw.one(string.digits) for _ in range(draw.whole(6, 10)))
    return draw.one((f"+{draw.whole(1, 99)}{digits}", digits, f"+{draw.whole(1, 99)} {digits}", f"555-{digits[:4]}"))


def _address(draw: Draw) -> str:
    street = draw.name() if draw.chance(0.6) else draw.word("noun").capitalize()
    road = f"{street} {draw.one(_STREETS)}"
    base = f"{road} {draw.whole(1, 250)}" if draw.chance(0.45) else f"{draw.whole(1, 199)} {road}"
    return f"{base}, {_city(draw)}" if draw.chance(0.4) else base


def _road(draw: Draw) -> str:
    return draw.one((f"A{draw.whole(1, 99)}", f"Highway {draw.whole(1, 199)}", f"{draw.name()} {draw.one(_STREETS)}"))


def _stop(draw: Draw) -> str:
    noun = draw.word("noun").capitalize()
    return draw.one(
        (
            draw.name(),
            f"{draw.name()} {draw.one(_STREETS)}",
            f"{noun} Station",
            f"{noun} {draw.name()}",
            f"{noun} {draw.one(_STREETS)}",
        )
    )


def _dish(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.4:
        return draw.word("dish")
    if turn < 0.5:
        return draw.name()
    if turn < 0.6:
        return f"{draw.one(_DISHES)} with {draw.word('noun')}"
    return f"{_plain_or_invented(draw)} {draw.one(_DISHES)}"


def _room(draw: Draw) -> str:
    turn = draw.random.random()
    if turn < 0.45:
        return draw.word("room")
    if turn < 0.55:
        return draw.name()
    if turn < 0.65:
        return f"{draw.one(('room', 'Room', 'hall', 'office'))} {draw.whole(1, 40)}"
    return f"{_plain_or_invented(draw)} {draw.one(_ROOMS)}"


def _plain_or_invented(draw: Draw) -> str:
    return draw.plain_word() if draw.chance(0.7) else draw.invented_word()


def _line(draw: Draw) -> str:
    return draw.one((str(draw.whole(1, 300)), f"{draw.one('MXNS')}{draw.whole(1, 40)}"))


def _question(draw: Draw) -> str:
    shape = draw.one(("Which {} is best?", "Do we need a {}?", "Who likes the {}?", "When is the {}?"))
    return shape.format(phrases.short(draw))


def _listed(kind: str) -> Callable[[Draw], str]:
    """Make a kind that mostly takes from the vocabulary and sometimes puts together some words."""
    return lambda draw: draw.word(kind) if draw.chance(0.5) else phrases.short(draw)


def _named(kind: str) -> Callable[[Draw], str]:
    """Make a kind that mostly takes from the vocabulary and sometimes makes up a name."""
    return lambda draw: draw.word(kind) if draw.chance(0.7) else draw.name()


def _items(draw: Draw) -> list[Value]:
    many = draw.whole(2, 4)
    return list(dict.fromkeys(phrases.word(draw) if draw.chance(0.6) else phrases.short(draw) for _ in range(many)))


_KINDS: dict[str, Callable[[Draw], Value]] = {
    "account": lambda draw: draw.one((technical.identifier(draw), phrases.short(draw))),
    "address": _address,
    "branch": technical.branch,
    "carrier": _listed("carrier"),
    "category": _listed("category"),
    "channel": technical.channel,
    "city": _city,
    "code": technical.code,
    "coin": _listed("coin"),
    "color": _listed("color"),
    "command": technical.command,
    "country": _named("country"),
    "coupon": technical.coupon,
    "cuisine": _named("cuisine"),
    "currency": lambda draw: draw.word("currency") if draw.chance(0.8) else technical.letters(draw)[:3],
    "date": _date,
    "department": _listed("department"),
    "designation": phrases.designation,
    "device": _listed("device"),
    "dish": _dish,
    "door": _listed("door"),
    "email": technical.email,
    "expression": technical.expression,
    "file": technical.file,
    "flight": technical.flight,
    "folder": technical.folder,
    "host": technical.host,
    "id": technical.identifier,
    "integer": phrases.integer,
    "ip": technical.ip,
    "items": _items,
    "job": _listed("job"),
    "label": _listed("label"),
    "language": _named("language"),
    "language_code": _listed("language_code"),
    "line": _line,
    "mail_folder": _listed("mail_folder"),
    "medicine": _listed("medicine"),
    "number": phrases.number,
    "pattern": technical.pattern,
    "person": _person,
    "phone": _phone,
    "place_kind": _listed("place_kind"),
    "plural": lambda draw: draw.whole(2, 60),
    "query": technical.query,
    "question": _question,
    "repository": technical.repository,
    "road": _road,
    "room": _room,
    "service": technical.service,
    "short": phrases.short,
    "small": phrases.small,
    "software": _named("software"),
    "stop": _stop,
    "surname": _surname,
    "symbol": technical.symbol,
    "text": phrases.text,
    "ticker": technical.letters,
    "time": _time,
    "title": phrases.title,
    "unit": lambda draw: draw.word("unit") if draw.chance(0.8) else phrases.word(draw),
    "url": technical.url,
    "username": technical.username,
    "version": technical.version,
    "word": phrases.word,
    "year": lambda draw: draw.whole(1950, 2035),
    "zone": _listed("zone"),
}
