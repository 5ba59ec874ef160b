"""Composed parts: the parameters of composed tools, each with many ways in which a value of it is said."""

from collections.abc import Callable
from dataclasses import dataclass

from training.generate import lexicon
from training.generate.draw import Draw
from training.generate.family import Parameter
from training.generate.sample import Value

_ROLES = ("place", "span", "pieces", "measure", "amount", "date", "time", "person", "text", "title", "choice", "flag")
_SHARES = (17, 13, 14, 6, 14, 7, 5, 8, 6, 8, 11, 9)
_AGAIN = frozenset({"pieces", "amount", "choice", "flag", "place"})  # roles that a tool may have twice


@dataclass(frozen=True, slots=True)
class Part:
    """A parameter of a role and the ways to say it: `{name}` stands for the value; `count` is number and unit."""

    parameter: Parameter
    role: str
    ways: tuple[str, ...]
    count: str = ""


def draw_parts(draw: Draw, noun: str, many: int, taken: str, *, is_counted: bool) -> list[Part]:
    """Draw so many parameters beside the one called `taken`; often an amount beside what `is_counted`."""
    found: dict[str, Part] = {}
    roles: set[str] = set()
    while len(found) < many:
        role = draw.random.choices(_ROLES, _SHARES)[0]
        if is_counted and draw.chance(0.5):
            role = "amount"  # two numbers side by side, which only words tell apart
        if role in roles and role not in _AGAIN:
            continue
        part = _MAKERS[role](draw)
        name = part.parameter.name
        if name in found or name == taken or name.split("_")[0] == noun:
            continue
        found[name] = part
        roles.add(role)
        is_counted = role == "pieces"
    return list(found.values())


def identity(draw: Draw, noun: str) -> Part:
    """Make the parameter that says which one is meant; its value is a name, a code or a number."""
    plain = noun.replace(" ", "_")
    label = draw.one(lexicon.words("id_labels"))
    turn = draw.random.random()
    name = plain if turn < 0.35 else f"{plain}_{label}" if turn < 0.6 else label
    if turn > 0.9:
        name = draw.one(lexicon.all_nouns()).replace(" ", "_")
    spoken = label if 0.35 <= turn <= 0.9 else "name"
    ways = lexicon.ways("object")
    kind, schema = "designation", _schema(draw, "string", f"{spoken.capitalize()} of the {noun}", f"Which {noun}")
    if draw.chance(0.07):
        kind, schema = "integer", _schema(draw, "integer", f"Number of the {noun}")
        ways = ("the <n> {x}", "<n> {x}", "<n> number {x}", "<n> no. {x}")
    said = tuple(way.replace("{x}", f"{{{name}}}").replace("<p>", spoken) for way in ways)
    return Part(Parameter(name, kind, schema, is_required=True), "identity", said)


def member(draw: Draw, group: str) -> Part:
    """Make the parameter that takes one of a class of things: the tool paints furniture, the user says a chair."""
    name = draw.one(("item", "kind", "type", "which", "what", "object", group, f"{group}_type", f"{group}_kind"))
    schema = _schema(draw, "string", f"Kind of {group}", f"Which {group}")
    kind = f"member {group}"
    if draw.chance(0.3):
        kind = "enum"
        schema = {"type": "string", "enum": draw.some(lexicon.noun_classes()[group], draw.whole(3, 7))}
    ways = ("the {x}", "the {x}", "my {x}", "our {x}", "this {x}", "that {x}", "the old {x}", "a new {x}", "one {x}")
    said = tuple(way.replace("{x}", f"{{{name}}}") for way in ways)
    return Part(Parameter(name, kind, schema, is_required=True), "member", said)


def quantity(draw: Draw, noun: str) -> Part:
    """Make the parameter that says how many of a thing: the noun itself is counted."""
    many = lexicon.plural(noun)
    plain = many.replace(" ", "_")
    name = draw.one(("quantity", "count", "number", "pieces", "how_many", "total", plain, plain, f"num_{plain}"))
    ways: tuple[str, ...] = (
        "{x} <n>",
        "{x} <n>",
        "{x} <n>",
        "{x} of the <n>",
        "{x} new <n>",
        "another {x} <n>",
        "{x} more <n>",
    )
    ways += ("exactly {x} <n>", "these {x} <n>", "a set of {x} <n>", "the {x} <n>", "our {x} <n>", "about {x} <n>")
    said = tuple(way.replace("{x}", f"{{{name}}}").replace("<n>", many) for way in ways)
    schema = _schema(draw, "integer", f"Number of {many}", f"How many {many}", "How many")
    return Part(Parameter(name, "plural", schema, is_required=True), "quantity", said)


def _schema(draw: Draw, type_name: str, *descriptions: str) -> dict[str, Value]:
    schema: dict[str, Value] = {"type": type_name}
    if draw.chance(0.3):
        schema["description"] = draw.one(descriptions)
    return schema


def _part(
    draw: Draw, role: str, parameter: tuple[str, str, dict[str, Value]], ways: tuple[str, ...], noun: str
) -> Part:
    name, kind, schema = parameter
    label = name.replace("_", " ")
    said = tuple(way.replace("{x}", f"{{{name}}}").replace("<n>", noun).replace("<p>", label) for way in ways)
    return Part(Parameter(name, kind, schema, is_required=role != "flag" and draw.chance(0.6)), role, said)


def _place(draw: Draw) -> Part:
    noun = draw.one(lexicon.words("places"))
    turn = draw.random.random()
    name = noun if turn < 0.6 else f"{noun}_{draw.one(('name', 'id'))}" if turn < 0.72 else ""
    ways = lexicon.ways("place")
    if not name:
        name = draw.one(lexicon.words("place_names"))
        ways += (" in {x}", " at {x}", " over in {x}")
    kind = draw.one(("designation", "designation", "city"))
    return _part(draw, "place", (name, kind, _schema(draw, "string", f"The {noun}", f"Name of the {noun}")), ways, noun)


def _counted(role: str, listed: str, section: str) -> Callable[[Draw], Part]:
    def make(draw: Draw) -> Part:
        unit = draw.one(lexicon.words(listed))
        name = draw.one((unit, unit, unit, f"num_{unit}", f"{unit}_count", f"number_of_{unit}"))
        schema = _schema(draw, draw.one(("integer",) * 9 + ("number",)), f"Number of {unit}", f"How many {unit}")
        kind = draw.one(("small", "integer", "small", "plural"))
        part = _part(draw, role, (name, kind, schema), lexicon.ways(section), unit)
        return Part(part.parameter, role, part.ways, f"{{{name}}} {unit}")

    return make


def _amount(draw: Draw) -> Part:
    name, ways = draw.one(tuple(lexicon.pairs("amounts").items()))
    ways = tuple(" " + way.replace("~", "{x}") for way in ways)
    label = name.replace("_", " ")
    other = draw.one(
        (
            name,
            name,
            name,
            f"unit_{name}" if name == "price" else name,
            f"max_{name}" if name == "budget" else name,
            f"{name}_value",
        )
    )
    return _part(draw, "amount", (other, "number", _schema(draw, "number", label.capitalize())), ways, label)


def _named(role: str, listed: str, section: str, *kinds: str) -> Callable[[Draw], Part]:
    def make(draw: Draw) -> Part:
        name = draw.one(lexicon.words(listed))
        label = name.replace("_", " ")
        schema = _schema(draw, "string", label.capitalize(), f"The {label}")
        return _part(draw, role, (name, draw.one(kinds), schema), lexicon.ways(section), label)

    return make


def _choice(draw: Draw) -> Part:
    name, values = draw.one(tuple(lexicon.pairs("choices").items()))
    schema = _schema(draw, "string", name.replace("_", " ").capitalize())
    kind = f"choice {name}"
    if draw.chance(0.75):
        kind = "enum"
        schema["enum"] = draw.some(values, draw.whole(min(3, len(values)), len(values)))
    return _part(draw, "choice", (name, kind, schema), lexicon.ways("choice"), name)


def _flag(draw: Draw) -> Part:
    name, ways = draw.one(tuple(lexicon.pairs("flags").items()))
    joined = tuple(f"{' ' if way.split()[0] in _JOINING or way.endswith('ly') else ', '}{way}" for way in ways)
    said = tuple(f"{way}{{{name}=true}}" for way in joined * 2 + (draw.one(lexicon.ways("any flag")),))
    other = draw.one(("", "", "", "is_", "make_", "with_")) + name
    schema = _schema(draw, "boolean", name.replace("_", " ").capitalize(), f"Whether to use {name.replace('_', ' ')}")
    label = name.replace("_", " ")
    said = tuple(way.replace(f"{{{name}=true}}", f"{{{other}=true}}").replace("<p>", label) for way in said)
    return Part(Parameter(other, "boolean", schema, is_required=False), "flag", said)


_JOINING = (
    *("with", "without", "and", "in", "on", "as", "for", "by", "at", "so"),
    *("only", "after", "before", "just", "from", "including", "until"),
)
_MAKERS: dict[str, Callable[[Draw], Part]] = {
    "place": _place,
    "span": _counted("span", "time_units", "time span"),
    "pieces": _counted("pieces", "piece_units", "pieces"),
    "measure": _counted("measure", "measure_units", "measure"),
    "amount": _amount,
    "date": _named("date", "dates", "date", "date"),
    "time": _named("time", "times", "time", "time"),
    "person": _named("person", "persons", "person", "person"),
    "text": _named("text", "texts", "text", "text", "title"),
    "title": _named("title", "titles", "title", "title", "title", "short"),
    "choice": _choice,
    "flag": _flag,
}
