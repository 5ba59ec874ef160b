"""Composed: natural tools put together by rule, so that the words of a question lead to the tool and its parameters."""

import re
from dataclasses import dataclass, replace

from training.generate import lexicon
from training.generate.composed_parts import Part, draw_parts, identity, member, quantity
from training.generate.draw import Draw
from training.generate.family import Family
from training.generate.known import made_up_name, rename
from training.generate.lexicon import Verb

_SHARE_IDENTITY = 0.6
_SHARE_MEMBER = 0.12
_SHARE_QUANTITY = 0.1
_SHARE_APART = 0.3
_LEANS = ("both", "way", "noun", "verb", "meaning")
_LEAN_SHARES = (47, 26, 12, 8, 7)
# Which word another tool may share, so that the question still tells the two apart.
_SHAREABLE = {
    "both": ("verb", "noun"),
    "way": ("verb", "noun"),
    "noun": ("verb",),
    "verb": ("noun",),
    "meaning": ("noun",),
}
_VAGUE = ("run_job", "do_it", "task", "process", "handle", "execute", "perform_action", "request", "action", "submit")
_OWNERS = ("the {}", "the {}", "the {}", "my {}", "our {}", "this {}", "that {}", "the old {}", "the new {}")
_LAST = {"text": 1, "title": 2}  # the end of a title could not be known before other words
_FRONT = frozenset({"place", "span", "date", "time"})
_ASKING = frozenset(
    [
        *("What", "Where", "Who", "Whose", "Which", "When", "Why", "How"),
        *("Is", "Are", "Was", "Do", "Does", "Did", "Has"),
        *("Can", "Could", "May", "Should", "Would", "Will"),
    ]
)
_ARTICLE = re.compile(r"\b(the|my|our|that) (?=<n>)")


@dataclass(frozen=True, slots=True)
class _Sense:
    """What a tool does and what its questions say of that: `lean` names the words that they use."""

    verb: Verb
    noun: str
    lean: str


def compose(draw: Draw) -> Family:
    """Put together a tool from a verb, a noun and up to four parameters, with a few wordings."""
    verb = draw.one(lexicon.verbs())
    return _compose(draw, verb, _fitting_noun(draw, verb))


def near(draw: Draw, wanted: Family) -> Family:
    """Put together a tool that shares the verb, the noun or a parameter with the wanted one, never verb and noun."""
    shared = draw.one((*wanted.shareable, *wanted.shareable, "parameter"))
    own = next((verb for verb in lexicon.verbs() if verb.base == wanted.verb), None)
    if shared == "verb" and own is not None:
        noun = wanted.noun
        while noun == wanted.noun:
            noun = _fitting_noun(draw, own)
        return _with_parameters(draw, _compose(draw, own, noun, "both"), wanted)
    if shared == "noun":
        verb = draw.one(lexicon.verbs())
        while own is not None and (verb.base == own.base or verb.is_like(own)):
            verb = draw.one(lexicon.verbs())
        return _with_parameters(draw, _compose(draw, verb, wanted.noun, "both"), wanted)
    return _with_parameters(draw, compose(draw), wanted, share=1.0)


def _with_parameters(draw: Draw, family: Family, wanted: Family, share: float = 0.4) -> Family:
    """Give a tool some of the wanted one's parameters as well, or all of them and no others."""
    if not wanted.parameters or not draw.chance(share):
        return family
    if draw.chance(0.4):
        return replace(family, parameters=wanted.parameters)
    taken = draw.some(wanted.parameters, draw.whole(1, 2))
    names = {parameter.name for parameter in taken}
    kept = [parameter for parameter in family.parameters if parameter.name not in names]
    return replace(family, parameters=(*taken, *kept))


def _fitting_noun(draw: Draw, verb: Verb) -> str:
    """Take a noun: half of them fit the verb loosely, the others are any."""
    if "any" in verb.classes or draw.chance(0.4):
        return draw.one(lexicon.all_nouns())
    return draw.one(lexicon.noun_classes()[draw.one(verb.classes)])


def _compose(draw: Draw, verb: Verb, noun: str, lean: str = "") -> Family:
    is_free = not lean
    lean = lean or draw.random.choices(_LEANS, _LEAN_SHARES)[0]
    many = draw.random.choices((0, 1, 2, 3), (17, 37, 30, 16))[0]
    which: Part | None = None
    if is_free and lean in ("both", "way") and draw.chance(_SHARE_MEMBER):
        noun = draw.one([name for name in lexicon.noun_classes() if name in verb.classes or "any" in verb.classes])
        which = member(draw, noun)
    elif is_free and draw.chance(_SHARE_QUANTITY):
        which = quantity(draw, noun)
    elif draw.chance(_SHARE_IDENTITY):
        which = identity(draw, noun)
    elif draw.chance(0.9):
        many = max(1, many)
    sense = _Sense(verb, noun, lean)
    taken = which.parameter.name if which else ""
    parts = draw_parts(draw, noun, many, taken, is_counted=which is not None and which.role == "quantity")
    wordings = tuple(_wording(draw, sense, which, parts) for _ in range(3))
    every = [which, *parts] if which else parts
    if draw.chance(0.3):
        every = draw.some(every, len(every))
    name, description = _sign(draw, sense)
    return Family(
        f"{verb.base} {noun}",
        name,
        description,
        tuple(part.parameter for part in every),
        wordings,
        verb.base,
        noun,
        _SHAREABLE[lean],
    )


def _sign(draw: Draw, sense: _Sense) -> tuple[str, str]:
    """Choose a name and a description that together hold verb and noun."""
    verb, noun = sense.verb.base, sense.noun.replace(" ", "_")
    plain = f"{verb}_{noun}"
    turn = draw.random.random()
    if turn < 0.58:
        name = plain
    elif turn < 0.66:
        name = verb + "".join(part.capitalize() for part in noun.split("_"))
    elif turn < 0.71:
        name = f"{noun}_{verb}"
    elif turn < 0.77:
        name = f"{verb}_{draw.word('adjective')}_{noun}"
    elif turn < 0.82:
        name = verb
    elif turn < 0.86:
        name = noun
    elif turn < 0.92:
        name = rename(draw, plain)
    else:
        name = draw.one((draw.one(_VAGUE), f"{draw.one(_VAGUE)}_{draw.whole(1, 99)}", made_up_name(draw)))
    says_all = verb in name.lower() and noun.split("_")[-1] in name.lower()
    if says_all and draw.chance(0.25):
        return name, ""
    return name, _description(draw, sense, may_reword=says_all)


def _description(draw: Draw, sense: _Sense, *, may_reword: bool) -> str:
    verb, noun = sense.verb, sense.noun
    one = lexicon.with_article(noun)
    if may_reword and draw.chance(0.15):
        way = draw.one(verb.ways)
        if way[0].islower():
            text = _with_object(way, one)
            return text[:1].upper() + text[1:]
    shapes = (
        f"{verb.base.capitalize()} {one}",
        f"{verb.base.capitalize()} {one}",
        f"{verb.base.capitalize()} the {noun}",
        f"{lexicon.plural(verb.base).capitalize()} {lexicon.plural(noun)}",
        f"{lexicon.plural(verb.base).capitalize()} {one}",
        f"{verb.base.capitalize()} {lexicon.plural(noun)} of a {draw.one(('customer', 'user', 'member', 'company'))}",
        f"{verb.doing.capitalize()} of {one}",
        f"Lets you {verb.base} {one}",
        f"Use this to {verb.base} {one}",
        f"Have {one} {verb.done}",
    )
    more = (" by name", " for somebody", " in a place", " on request", " at once", " with some options", " and report")
    return draw.one(shapes) + (draw.one(more) if draw.chance(0.2) else "") + draw.one(("", "", "."))


def _wording(draw: Draw, sense: _Sense, which: Part | None, parts: list[Part]) -> str:
    """Make one way to ask for a tool, in the syntax of `Family.wordings`."""
    parts = draw.some(parts, len(parts))
    parts.sort(key=lambda part: _LAST.get(part.role, 0))
    thing = _object(draw, sense, which)
    thing, parts = _adjective(draw, thing, parts)
    thing = thing.replace("a <n>", lexicon.with_article(sense.noun)).replace("<n>", sense.noun)
    way = draw.one(sense.verb.ways) if sense.lean in ("way", "meaning") else f"{sense.verb.base} ~"
    frame, opening = f"<act><tail>{_mark(way)}" if way[0].isupper() else _frame(draw, sense, parts), ""
    if "<count>" in frame:
        counted = next(part for part in parts if part.count)
        frame = frame.replace("<count>", counted.count)
        parts = [part for part in parts if part is not counted]
    first = parts[0] if parts else None
    if first and first.role in _FRONT and first.parameter.is_required and frame == "<act><tail>" and draw.chance(0.3):
        said = draw.one([way for way in first.ways if way.startswith((" for ", " in ", " at ", " on "))])
        opening, parts = said[1:2].upper() + said[2:] + ", ", parts[1:]
    apart, parts = _set_apart(draw, parts)
    ways = [_say(draw, part) for part in parts]
    tail = "".join(said for said in ways if not _is_sentence(said))
    text = (
        frame.replace("<act>", _with_object(way, thing))
        .replace("<object>", thing)
        .replace("<done>", sense.verb.done)
        .replace("<doing>", sense.verb.doing)
        .replace("<tail>", tail)
    )
    text = opening + text if opening else _capital(frame, text)
    if draw.chance(0.1):
        context = draw.one(lexicon.ways("context"))
        text = f"{context} {_begun(text)}" if draw.chance(0.5) else f"{_ended(text)} {context}"
    for said in filter(_is_sentence, ways):
        text = _ended(text) + (f"[{said[2:-1]}.]" if said.startswith("[") else f"{said[1:]}.")
    if apart:
        text = f"{_ended(text)} {apart}." if draw.chance(0.7) else f"{apart}: {text}"
    return text


def _set_apart(draw: Draw, parts: list[Part]) -> tuple[str, list[Part]]:
    """Take a flag out of the parts that is to be a sentence of its own; give that sentence and the other parts."""
    flag = next((part for part in parts if part.role == "flag"), None)
    if flag is None or not draw.chance(_SHARE_APART):
        return "", parts
    return _begun(draw.one(flag.ways).lstrip(" ,")), [part for part in parts if part is not flag]


def _mark(way: str) -> str:
    return "?" if way.split(" ", 1)[0].removesuffix("'s") in _ASKING else "."


def _is_sentence(way: str) -> bool:
    return way.lstrip("[").startswith(". ")


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return _begun(text if text.endswith((".", "?")) else text + ".")


def _frame(draw: Draw, sense: _Sense, parts: list[Part]) -> str:
    counted = any(part.count for part in parts)
    if sense.lean == "noun":
        return draw.one(lexicon.ways("count" if counted and draw.chance(0.4) else "noun"))
    if sense.lean == "verb":
        return draw.one(lexicon.ways("verb"))
    if sense.lean == "both":
        if counted and draw.chance(0.05):
            return "I want <object> <done>: <count><tail>."
        section = draw.random.choices(("act", "done", "doing"), (60, 25, 15))[0]
        return draw.one(lexicon.ways(section))
    return draw.one(lexicon.ways("act"))


def _object(draw: Draw, sense: _Sense, which: Part | None) -> str:
    """Say which thing is meant; `<n>` stands for the noun."""
    if sense.lean in ("verb", "meaning"):
        of_them = " of them" if which and which.role == "quantity" else ""
        return f"{{{which.parameter.name}}}{of_them}" if which else draw.one(("it", "it", "that", "one", "this one"))
    if which is None:
        return draw.one((*_OWNERS, "a {}")).format("<n>")
    said = which.ways
    if sense.lean == "noun" and which.role == "identity":
        said = tuple(way for way in said if "<n>" in way)
    return draw.one(said)


def _adjective(draw: Draw, thing: str, parts: list[Part]) -> tuple[str, list[Part]]:
    """Put the value of a choice before the noun, in some of the cases."""
    choice = next((part for part in parts if part.role == "choice"), None)
    if choice is None or not _ARTICLE.search(thing) or not draw.chance(0.25):
        return thing, parts
    said = _ARTICLE.sub(lambda found: f"{found[0]}{{{choice.parameter.name}}} ", thing, count=1)
    return said, [part for part in parts if part is not choice]


def _with_object(way: str, thing: str) -> str:
    return way.replace("~", thing) if "~" in way else f"{way} {thing}"


def _say(draw: Draw, part: Part) -> str:
    said = draw.one(part.ways)
    return said if part.parameter.is_required else f"[{said}]"


def _capital(frame: str, text: str) -> str:
    """Begin with a capital letter what is no order."""
    is_order = frame[:1].islower() or frame.startswith("<act>")
    return text if is_order else text[:1].upper() + text[1:]
