"""Invented: tools that do not exist, random in name, parameters and wording, so that schemas are read, not recalled."""

import re
from dataclasses import replace

from training.generate.draw import Draw
from training.generate.family import Family, Parameter
from training.generate.known import made_up_name, rename

_SHARE_MEANINGLESS = 0.45

# By kind of value: names of parameters, and how a person says such a value without naming the parameter.
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "city": (
        ("city", "location", "place", "town", "site", "area", "venue", "region"),
        (" in {}", " in {}", " at {}", " near {}", " for {}"),
    ),
    "person": (
        ("name", "person", "customer", "owner", "member", "guest", "employee", "student"),
        (" for {}", " of {}", " by {}", " with {}", " from {}"),
    ),
    "date": (
        ("date", "day", "start_date", "deadline", "due", "valid_from"),
        (" on {}", " for {}", ", {}", " dated {}", " by {}"),
    ),
    "time": (("time", "start_time", "at", "hour", "begin"), (" at {}", " at {}", ", {}", " for {}")),
    "text": (
        ("text", "message", "title", "note", "reason", "subject", "comment", "content"),
        (' "{}"', ' called "{}"', ' saying "{}"', ': "{}"', ' with the text "{}"', ' because "{}"'),
    ),
    "short": (
        ("topic", "theme", "product", "item", "name", "query", "label"),
        (" about {}", " {}", ' "{}"', " named {}", " on {}", " called {}"),
    ),
    "word": (
        ("word", "key", "tag", "material", "type", "model", "brand"),
        (" {}", " of {}", ' "{}"', " from {}", " with {}"),
    ),
    "file": (
        ("path", "file", "file_path", "source", "input_file"),
        (" {}", " from {}", " in {}", " the file {}", " at {}"),
    ),
    "folder": (("folder", "directory", "target", "output"), (" in {}", " under {}", " into {}", " from {}")),
    "email": (("email", "to", "contact", "mail"), (" to {}", " for {}", " ({})", " with the email {}")),
    "id": (
        ("id", "number", "code", "reference", "ticket", "serial", "batch"),
        (" {}", " number {}", " with the id {}", " no. {}", " {}"),
    ),
    "url": (("url", "link", "page", "endpoint"), (" {}", " at {}", " from {}")),
    "currency": (("currency", "unit"), (" in {}", " to {}")),
    "language": (("language", "lang"), (" in {}", " into {}")),
    "room": (("room", "space", "zone"), (" in the {}", " of the {}", " for the {}")),
    "color": (("color", "tint", "shade"), (" in {}", " {}", " to {}")),
}
_COUNTS = (
    "days",
    "guests",
    "copies",
    "minutes",
    "hours",
    "people",
    "pieces",
    "boxes",
    "rows",
    "pages",
    "seats",
    "weeks",
    "tickets",
    "points",
    "degrees",
    "meters",
    "liters",
    "units",
    "rounds",
    "nights",
    "players",
    "samples",
    "percent",
    "grams",
    "miles",
    "items",
    "bags",
    "lines",
)
_COUNT_PHRASES = (" for {} {}", " with {} {}", ", {} {}", " {} {}", " of {} {}", " by {} {}", " over {} {}")
_AMOUNTS = (
    "amount",
    "price",
    "budget",
    "weight",
    "distance",
    "height",
    "value",
    "speed",
    "volume",
    "rate",
    "width",
    "depth",
    "limit",
    "score",
)
_AMOUNT_PHRASES = (
    " with a {name} of {}",
    " of {}",
    " for {}",
    ", {name} {}",
    " up to {}",
    " at a {name} of {}",
    " to {}",
)
_CHOICES = (
    ("priority", ("low", "medium", "high")),
    ("size", ("small", "medium", "large")),
    ("format", ("json", "csv", "xml", "pdf")),
    ("mode", ("fast", "normal", "slow")),
    ("level", ("basic", "standard", "premium")),
    ("order", ("ascending", "descending")),
    ("quality", ("draft", "good", "best")),
    ("status", ("open", "closed", "pending")),
    ("season", ("spring", "summer", "autumn", "winter")),
    ("direction", ("north", "south", "east", "west")),
    ("shape", ("round", "square", "oval")),
    ("gender", ("male", "female", "any")),
)
_CHOICE_PHRASES = (" as {}", " with {name} {}", ", {}", " in {}", " ({})", ", {name} {}", " with {} {name}")
_FLAGS = (
    "urgent",
    "express",
    "private",
    "recursive",
    "anonymous",
    "encrypted",
    "verbose",
    "permanent",
    "hidden",
    "silent",
)
_SAME = {
    "get": ("get", "fetch", "show me", "give me", "look up", "find", "tell me"),
    "set": ("set", "change", "adjust"),
    "create": ("create", "make", "add", "set up", "start"),
    "find": ("find", "search", "look for", "locate"),
    "remove": ("remove", "delete", "take away", "drop"),
    "start": ("start", "begin", "launch", "run"),
    "stop": ("stop", "end", "halt"),
    "send": ("send", "deliver", "pass"),
    "show": ("show", "display", "list", "show me"),
    "book": ("book", "reserve", "get me"),
    "check": ("check", "look at", "verify", "inspect"),
    "measure": ("measure", "determine", "find out"),
    "calculate": ("calculate", "compute", "work out"),
    "order": ("order", "buy", "get me"),
    "record": ("record", "log", "note", "write down"),
}
_DIRECT = (
    "{tool}",
    "{tool}",
    "use {tool}",
    "call {tool}",
    "run {tool}",
    "use the tool {tool}",
    "call the function {tool}",
    "start {tool}",
    "do {tool}",
    "do a {tool}",
    "execute {tool}",
    "invoke {tool}",
    "launch {tool}",
    "trigger {tool}",
    "perform {tool}",
    "apply {tool}",
    "try {tool}",
    "make {tool} happen",
    "begin {tool}",
    "go for {tool}",
    "fire {tool}",
    "get {tool} going",
    "issue {tool}",
    "Time for {tool}",
    "I need {tool}",
    "I want {tool}",
    "Now {tool}",
    "Next: {tool}",
    "We need {tool}",
    "It is time to {tool}",
    "Would you {tool}",
)
_JOINTS = (
    " with ",
    ": ",
    " using ",
    ", ",
    " where ",
    " - ",
    " given ",
    " having ",
    " for ",
    " taking ",
    " on ",
    ". ",
    "\n",
    " and ",
    " by ",
    "; ",
    " (",
    " when ",
    " at ",
    " so that ",
    " while ",
    " passing ",
    " ",
)
_BETWEEN = (", ", " and ", ", and ", ", ", "; ", "\n", " with ", " plus ", " as well as ", " & ", " / ", " ", ", then ")
_PAIRS = (
    "{name} {value}",
    "{name} {value}",
    "{name} = {value}",
    "{name}={value}",
    "{name}: {value}",
    "{name}:{value}",
    "the {name} {value}",
    "{value} as {name}",
    "{value} as the {name}",
    "{value} for {name}",
    "{name} is {value}",
    "{name} equals {value}",
    "{name} set to {value}",
    "{name} being {value}",
    "{name} should be {value}",
    "{name} must be {value}",
    "{name} will be {value}",
    "{name} as {value}",
    "{name} to {value}",
    "{name} at {value}",
    "{name} of {value}",
    "{name} -> {value}",
    "{name} := {value}",
    "{name} ({value})",
    "{value} ({name})",
    "({name} {value})",
    "--{name} {value}",
    "--{name}={value}",
    "a {name} of {value}",
    "{name} that is {value}",
    "{name} like {value}",
    "its {name} {value}",
)
_SAID_TRUE = ("true", "true", "yes", "on", "True")
_SAID_FALSE = ("false", "false", "no", "off", "False")
_QUESTIONS = (
    "What is the {noun}",
    "How is the {noun}",
    "Which {noun} is there",
    "Where is the {noun}",
    "Do we have a {noun}",
    "When is the {noun}",
    "How much is the {noun}",
    "I need the {noun}",
    "I want a {noun}",
    "I would like a {noun}",
)


def invent(draw: Draw) -> Family:
    """Make up a tool; what it does is said by its name, its description or both, and in its wordings."""
    if draw.chance(_SHARE_MEANINGLESS):
        return _meaningless(draw)
    verb = draw.word("verb") if draw.chance(0.6) else draw.one(tuple(_SAME))
    if draw.chance(0.2):
        verb = draw.syllables(1, 3)
    noun = draw.word("noun") if draw.chance(0.6) else draw.invented_word().lower()
    if draw.chance(0.3):
        noun = f"{draw.plain_word()} {noun}"
    plain = re.sub(r"\W+", "_", f"{verb}_{noun}")
    name = plain if draw.chance(0.5) else rename(draw, plain)
    parameters = _parameters(draw)
    is_plain = name == plain
    description = "" if is_plain and draw.chance(0.3) else _description(draw, verb, noun)
    wordings = tuple(_wording(draw, name, (verb, noun), parameters) for _ in range(2))
    return Family(plain, name, description, tuple(parameter for parameter, _ in parameters), wordings)


def _meaningless(draw: Draw) -> Family:
    """Make up a tool whose name and parameters mean nothing: only what was offered tells what to copy where."""
    name = made_up_name(draw)
    many = draw.random.choices((0, 1, 2, 3, 4), (1, 6, 8, 6, 2))[0]
    found: dict[str, tuple[Parameter, str]] = {}
    while len(found) < many:
        drawn, phrase = _parameter(draw)
        other = re.sub(r"\W", "", "_".join(draw.invented_word().lower() for _ in range(draw.whole(1, 2)))) or "x"
        found.setdefault(other, (replace(drawn, name=other), phrase))
    parts = list(found.values())
    wordings = []
    for _ in range(3):
        said = draw.some(parts, len(parts)) if draw.chance(0.6) else parts
        wordings.append(draw.one(_DIRECT).format(tool=name) + _named(draw, said))
    description = "" if draw.chance(0.4) else _description(draw, draw.syllables(1, 3), draw.invented_word().lower())
    return Family(name, name, description, tuple(parameter for parameter, _ in parts), tuple(wordings))


def _description(draw: Draw, verb: str, noun: str) -> str:
    shape = draw.one(("{} the {}", "{} a {}", "{} {}s", "{} the {} of a user", "{} one {}", "Tool to {} a {}"))
    text = shape.format(verb.lower() if shape.startswith("Tool") else verb.capitalize(), noun)
    return text + (
        f" {draw.one(('from the system', 'quickly', 'in the list', 'for later', 'by name', 'at a place'))}"
        if draw.chance(0.3)
        else ""
    )


def _parameters(draw: Draw) -> list[tuple[Parameter, str]]:
    """Draw up to four parameters, each with the way in which it is said."""
    found: dict[str, tuple[Parameter, str]] = {}
    many = draw.random.choices((0, 1, 2, 3, 4), (1, 6, 7, 4, 2))[0]
    while len(found) < many:
        parameter, phrase = _parameter(draw)
        found.setdefault(parameter.name, (parameter, phrase))
    return list(found.values())


def _parameter(draw: Draw) -> tuple[Parameter, str]:
    required = draw.chance(0.7)
    turn = draw.random.random()
    if turn < 0.2:
        count = draw.one(_COUNTS)
        name = draw.one((count, count, f"num_{count}", f"{count}_count"))
        phrase = draw.one(_COUNT_PHRASES).format("{" + name + "}", count)
        return Parameter(name, draw.one(("small", "integer")), {"type": "integer"}, required), phrase
    if turn < 0.3:
        name = draw.one(_AMOUNTS)
        phrase = draw.one(_AMOUNT_PHRASES).format("{" + name + "}", name=name)
        return Parameter(name, "number", {"type": "number"}, required), phrase
    if turn < 0.42:
        return _choice(draw, is_required=required)
    if turn < 0.46:
        name = draw.one(_FLAGS)
        return Parameter(name, "boolean", {"type": "boolean"}, is_required=False), f" and {name}{{{name}=true}}"
    return _free_parameter(draw, is_required=required)


def _choice(draw: Draw, *, is_required: bool) -> tuple[Parameter, str]:
    name, values = draw.one(_CHOICES)
    if draw.chance(0.4):
        name = draw.plain_word().replace(" ", "_").replace("-", "_")
        words = (draw.plain_word() if draw.chance(0.6) else draw.invented_word() for _ in range(draw.whole(2, 5)))
        values = tuple(dict.fromkeys(words))  # a set's order would differ from one process to the next
    phrase = draw.one(_CHOICE_PHRASES).format("{" + name + "}", name=name)
    return Parameter(name, "enum", {"type": "string", "enum": list(values)}, is_required), phrase


def _free_parameter(draw: Draw, *, is_required: bool) -> tuple[Parameter, str]:
    kind = draw.one(tuple(_KINDS))
    names, phrases = _KINDS[kind]
    name = draw.one(names)
    if draw.chance(0.3):
        parts = [draw.plain_word() if draw.chance(0.5) else draw.invented_word() for _ in range(draw.whole(1, 2))]
        name = re.sub(r"\W+", "_", "_".join(parts)).strip("_") or name
    schema = {"type": "string"} | ({"description": name.replace("_", " ").capitalize()} if draw.chance(0.3) else {})
    if draw.chance(0.06):
        return Parameter(
            name, "items", {"type": "array", "items": {"type": "string"}}, is_required
        ), f" with the {name} {{{name}}}"
    return Parameter(name, kind, schema, is_required), draw.one(phrases).format("{" + name + "}")


def _wording(draw: Draw, tool: str, sense: tuple[str, str], parameters: list[tuple[Parameter, str]]) -> str:
    verb, noun = sense
    parts = draw.some(parameters, len(parameters)) if draw.chance(0.3) else parameters
    turn = draw.random.random()
    if turn < 0.14:
        return draw.one(_DIRECT).format(tool=tool) + _named(draw, parts)
    if turn < 0.4:
        return _head(draw, verb, noun) + _named(draw, parts)
    if turn < 0.55:
        return draw.one(_QUESTIONS).format(noun=noun) + _natural(parts) + draw.one(("?", "?", ""))
    return _head(draw, verb, noun) + _natural(parts)


def _head(draw: Draw, verb: str, noun: str) -> str:
    said = draw.one(_SAME.get(verb, (verb,)))
    return draw.one(("{} the {}", "{} the {}", "{} a {}", "{} {}", "{} my {}", "{} this {}", "{} one {}")).format(
        said, noun
    )


def _natural(parameters: list[tuple[Parameter, str]]) -> str:
    return "".join(phrase if parameter.is_required else f"[{phrase}]" for parameter, phrase in parameters)


def _named(draw: Draw, parameters: list[tuple[Parameter, str]]) -> str:
    """Say each value together with its parameter's name."""
    style = draw.one(_PAIRS)
    joint = draw.one(_JOINTS)
    text, end = "", ")" if joint == " (" else ""
    for parameter, _ in parameters:
        name = parameter.name.replace("_", " ") if draw.chance(0.3) else parameter.name
        if parameter.kind == "boolean" and draw.chance(0.3):
            part = f"{joint}{name}{{{parameter.name}=true}}"
        elif parameter.kind == "boolean":
            value = draw.one(("true", "true", "false"))
            said = draw.one(_SAID_TRUE if value == "true" else _SAID_FALSE)
            part = joint + style.format(name=name, value=f"{said}{{{parameter.name}={value}}}")
        else:
            mark = '"' if parameter.kind == "text" or draw.chance(0.2) else ""
            part = joint + style.format(name=name, value=f"{mark}{{{parameter.name}}}{mark}")
        text += part if parameter.is_required else f"[{part}]"
        joint = draw.one(_BETWEEN) if draw.chance(0.8) else joint.replace("(", "")
    return text + end if text and not text.endswith("]") else text
