"""Phrases: words, short texts and numbers."""

from training.generate import lexicon
from training.generate.draw import Draw


def text(draw: Draw) -> str:
    """Make a text of one to six words, or a sentence."""
    if draw.chance(0.3):
        words = [draw.invented_word() for _ in range(draw.whole(1, 6))]
    elif draw.chance(0.35):
        words = _sentence(draw).split()
    else:
        words = [draw.plain_word() if draw.chance(0.85) else draw.invented_word() for _ in range(draw.whole(1, 6))]
    text = " ".join(words)
    if draw.chance(0.25):
        text = text[:1].upper() + text[1:]
    return text + (draw.one(("!", "?", ".")) if draw.chance(0.08) else "")


def _sentence(draw: Draw) -> str:
    """Make a short sentence that is grammatical, if not wise."""
    noun, other = draw.word("noun"), draw.word("noun")
    shape = draw.one(
        (
            "I {verb} the {noun} {adverb}",
            "the {noun} is {adjective}",
            "please {verb} the {adjective} {noun}",
            "we will {verb} it {adverb}",
            "{verb} the {noun} and the {other}",
            "my {noun} needs a {adjective} {other}",
            "see you {adverb}",
            "do not {verb} the {noun}",
            "is the {noun} {adjective}",
            "{verb} {count} {noun}s for {name}",
            "no {adjective} {noun} {adverb}",
            "{noun} and {other} for the {third}",
            "the {adjective} {noun} is behind the {other}",
            "bring the {noun} to {name} {adverb}",
            "{count} {adjective} {noun}s",
            "the {noun} of {name} is {adjective}",
            "{noun} under the {other}",
            "put {count} {noun}s into the {adjective} {other}",
            "without {noun} and {other}",
            "{name} has a {noun} in the {other}",
        )
    )
    return shape.format(
        noun=noun,
        other=other,
        third=draw.word("noun"),
        verb=draw.word("verb"),
        adjective=draw.word("adjective"),
        adverb=draw.word("adverb"),
        count=draw.whole(2, 40),
        name=draw.word("given"),
    )


def short(draw: Draw) -> str:
    """Make one to three words, or a name that holds small words."""
    turn = draw.random.random()
    if turn < 0.25:
        return title(draw)
    if turn < 0.35:
        return f"{draw.plain_word().capitalize()} {draw.name()}"
    words = [draw.plain_word() if draw.chance(0.7) else draw.invented_word() for _ in range(draw.whole(1, 3))]
    return " ".join(words)


def word(draw: Draw) -> str:
    """Take a word or make one up."""
    return draw.plain_word() if draw.chance(0.5) else draw.invented_word()


def integer(draw: Draw) -> int:
    """Draw a whole number of one to five digits."""
    return draw.one(
        (draw.whole(1, 12), draw.whole(2, 99), draw.whole(2, 99), draw.whole(10, 999), draw.whole(1, 99999))
    )


def small(draw: Draw) -> int:
    """Draw a number of one or two digits, small ones more often."""
    return draw.whole(1, 12) if draw.chance(0.6) else draw.whole(2, 99)


def number(draw: Draw) -> int | float:
    """Draw a whole number or one with a fraction."""
    if draw.chance(0.6):
        return integer(draw)
    value = round(draw.random.uniform(0.1, 900), draw.one((1, 2)))
    return int(value) if value == int(value) else value


def title(draw: Draw) -> str:
    """Make a name of one to six words with small words inside: `design of pocket lanterns`."""
    one, other, third = draw.some(lexicon.all_nouns(), 3)
    shape = draw.one(
        (
            "{one}",
            "{adjective} {one}",
            "{one} {other}",
            "{one} {others}",
            "{adjective} {one} {other}",
            "{one} of {others}",
            "{one} of the {other}",
            "{one} and {other}",
            "{others} and {ones}",
            "{one} with {other}",
            "{one} in {adjective} {other}",
            "{adjective} {ones} of the {other}",
            "{one} of {adjective} {others}",
            "{one} in the {other}",
            "{one} {third} with {other}",
            "the {one} and the {other}",
            "{one}, {other} and {third}",
            "{one} {other} of {adjective} {thirds}",
        )
    )
    many = {"ones": lexicon.plural(one), "others": lexicon.plural(other), "thirds": lexicon.plural(third)}
    text = shape.format(one=one, other=other, third=third, adjective=draw.word("adjective"), **many)
    return text[:1].upper() + text[1:] if draw.chance(0.15) else text


def designation(draw: Draw) -> str:
    """Make what one thing of many is called: a name, a code, a number, rarely two words."""
    turn = draw.random.random()
    letters = "".join(draw.one("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(draw.whole(1, 3)))
    if turn < 0.36:
        return draw.name()
    if turn < 0.46:
        return f"{draw.name()} {draw.name()}"
    if turn < 0.64:
        return f"{letters}{draw.one(('-', '-', '', '/', '_'))}{draw.whole(1, draw.one((9, 99, 999, 9999)))}"
    if turn < 0.72:
        return str(draw.whole(1, draw.one((9, 99, 9999))))
    if turn < 0.8:
        return draw.word("given")
    if turn < 0.86:
        return f"{draw.invented_word().lower()}-{draw.whole(1, 99)}"
    if turn < 0.92:
        return f"{draw.whole(1, 99)}{letters}"
    return draw.invented_word()
