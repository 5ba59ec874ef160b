"""Lexicon: the words of which composed tools are made, and the ways to say them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb with its participle and its -ing form, other ways to say it (~ is the object) and the nouns it fits."""

    base: str
    done: str
    doing: str
    ways: tuple[str, ...]
    classes: tuple[str, ...]

    def is_like(self, other: "Verb") -> bool:
        """Tell whether one of the verbs is among the ways to say the other."""
        return self.base in _first_words(other) or other.base in _first_words(self)


@cache
def noun_classes() -> dict[str, tuple[str, ...]]:
    """Read the nouns of each class."""
    classes = {}
    for line in _lines("composed_nouns.txt"):
        name, _, words = line.partition(": ")
        classes[name] = tuple(word.replace("-", " ") for word in words.split())
    return classes


@cache
def all_nouns() -> tuple[str, ...]:
    """Give each noun once."""
    return tuple(dict.fromkeys(word for words in noun_classes().values() for word in words))


@cache
def verbs() -> tuple[Verb, ...]:
    """Read the verbs."""
    found = []
    classes: tuple[str, ...] = ()
    for line in _lines("composed_verbs.txt"):
        if line.startswith("["):
            classes = tuple(line[1:-1].split())
            continue
        head, _, ways = line.partition(" = ")
        base, *forms = head.split("/")
        done = forms[0] if forms else participle(base)
        doing = forms[1] if len(forms) > 1 else progressive(base)
        found.append(Verb(base, done, doing, tuple(ways.split("; ")), classes))
    return tuple(found)


@cache
def ways(section: str) -> tuple[str, ...]:
    """Give the lines of a section of `composed.txt`."""
    return _sections("composed.txt")[section]


@cache
def words(kind: str) -> tuple[str, ...]:
    """Give the words of a kind from the first part of `composed_values.txt`."""
    for line in _lines("composed_values.txt"):
        name, _, listed = line.partition(": ")
        if name == kind:
            return tuple(listed.split())
    raise KeyError(kind)


@cache
def pairs(part: str) -> dict[str, tuple[str, ...]]:
    """Give a named part of `composed_values.txt`: amounts and flags with ways to say them, choices with values."""
    found: dict[str, tuple[str, ...]] = {}
    is_wanted = False
    for line in _lines("composed_values.txt"):
        if " = " not in line:
            is_wanted = line == part
        elif is_wanted:
            name, _, rest = line.partition(" = ")
            found[name] = tuple(rest.split(" | ")) if " | " in rest else tuple(rest.split())
    return found


def free_words(kind: str) -> tuple[str, ...]:
    """Give what a free value of a kind such as `member fruit` or `choice color` may be."""
    part, _, name = kind.partition(" ")
    return noun_classes()[name] if part == "member" else pairs("choices")[name]


def participle(verb: str) -> str:
    """Form the regular past participle: paint, painted; bake, baked; carry, carried; scan, scanned."""
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def progressive(verb: str) -> str:
    """Form the -ing form: painting, baking, carrying, scanning."""
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def plural(noun: str) -> str:
    """Form a plural or the -s form of a verb."""
    if noun.endswith("rs") or noun in ("jeans", "shorts", "pyjamas", "tongs"):
        return noun
    if noun.endswith(("s", "sh", "ch", "x", "z")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + "s"


def with_article(noun: str) -> str:
    """Put a or an before a noun."""
    return f"an {noun}" if noun[0] in _VOWELS and not noun.startswith(("uni", "eu", "use")) else f"a {noun}"


def _doubled(verb: str) -> str:
    """Double the last letter of a verb of one syllable that ends in consonant, vowel, consonant."""
    letters = sum(letter in _VOWELS for letter in verb.removeprefix("qu").replace("qu", "q"))
    is_short = letters == 1 and len(verb) > 2 and verb[-2] in _VOWELS
    return verb + verb[-1] if is_short and verb[-1] not in "aeiouwxy" else verb


@cache
def _first_words(verb: Verb) -> frozenset[str]:
    return frozenset(way.split()[0] for way in verb.ways)


@cache
def _lines(name: str) -> tuple[str, ...]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _sections(name: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    section = ""
    for line in _lines(name):
        if line.startswith("["):
            section = line[1:-1]
            found[section] = []
        else:
            found[section].append(line)
    return {section: tuple(lines) for section, lines in found.items()}
