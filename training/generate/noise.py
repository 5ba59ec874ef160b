"""Noise: what people do to a text that they type: greetings, small letters, slips of the finger, missing words."""

import re
from collections.abc import Callable

from training.generate.draw import Draw

_GREETINGS = ("Hi, ", "Hello, ", "Hey, ", "Hi! ", "Hello. ", "OK, ", "So, ", "Quick question: ", "Hey there, ", "Now ")
_THANKS = (" Thanks!", " Thank you.", " Thanks", " Thank you very much!", " :)", " Please be quick.")
_ORDERS = (
    "please {}",
    "Please {}",
    "Can you {}?",
    "Could you {}?",
    "Could you please {}?",
    "Can you please {}?",
    "Would you {}?",
    "Will you {}?",
    "I want you to {}",
    "I need you to {}",
    "I'd like you to {}",
    "Go ahead and {}",
    "Now {}",
    "Next, {}",
    "You should {}",
    "{}, please",
    "Let's {}",
    "Help me: {}",
)
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SMALL_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "do",
        "does",
        "can",
        "i",
        "to",
        "of",
        "for",
        "in",
        "on",
        "my",
        "it",
        "you",
        "me",
        "this",
        "that",
        "please",
        "how",
    ]
)


def dress_order(draw: Draw, order: str) -> str:
    """Turn an order such as `show me X` into one of the ways in which people ask for it."""
    turn = draw.random.random()
    if turn < 0.45:
        return order[:1].upper() + order[1:]
    if turn < 0.58:
        return order
    return draw.one(_ORDERS).format(order)


def frame(draw: Draw, text: str) -> str:
    """Put a greeting before a question or thanks after it, in some of the cases; drop its capital or its mark.

    Half of what ends without a mark gets a full stop, which is no part of the value before it.
    """
    if text[-1:].isalnum() and draw.chance(0.5):
        text += "."
    turn = draw.random.random()
    if turn < 0.07:
        text = draw.one(_GREETINGS) + text
    elif turn < 0.12 and text.endswith(("?", ".", '"')):
        text += draw.one(_THANKS)
    elif turn < 0.2:
        text = text[:1].lower() + text[1:]
    elif turn < 0.28 and text.endswith("?"):
        text = text[:-1]
    elif turn < 0.3:
        text += draw.one(("!", "??", " ...", "\n"))
    return text


def misspell(draw: Draw, text: str) -> str:
    """Misspell one word of at least four letters."""
    return _change_word(draw, text, re.compile(r"[A-Za-z]{4,}"), _slip)


def roughen(draw: Draw, text: str) -> str:
    """Write a question as people in a hurry do: one or two slips, missing, doubled or swapped words."""
    for _ in range(draw.whole(1, 2)):
        text = draw.one((misspell, misspell, drop_word, drop_word, _swap_words, _lower, _without_mark, _insert_word))(
            draw, text
        )
    return text


def drop_word(draw: Draw, text: str) -> str:
    """Leave out one word, a small one where there is one."""
    words = text.split(" ")
    if len(words) < 4:
        return text
    small = [place for place, word in enumerate(words) if word.lower() in _SMALL_WORDS]
    place = draw.one(small) if small and draw.chance(0.8) else draw.whole(0, len(words) - 1)
    return " ".join(words[:place] + words[place + 1 :])


def _swap_words(draw: Draw, text: str) -> str:
    words = text.split(" ")
    if len(words) < 3:
        return text
    place = draw.whole(0, len(words) - 2)
    words[place], words[place + 1] = words[place + 1], words[place]
    return " ".join(words)


def _insert_word(draw: Draw, text: str) -> str:
    words = text.split(" ")
    words.insert(
        draw.whole(0, len(words)), draw.one(("please", "exactly", "actually", "just", "here", "now", "really", "then"))
    )
    return " ".join(words)


def _lower(_draw: Draw, text: str) -> str:
    return text.lower()


def _without_mark(_draw: Draw, text: str) -> str:
    return text.rstrip("?.!")


def _change_word(draw: Draw, text: str, pattern: re.Pattern[str], change: Callable[[Draw, str], str]) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    place = draw.one(found)
    return text[: place.start()] + change(draw, place[0]) + text[place.end() :]


def _slip(draw: Draw, word: str) -> str:
    """Leave out, double, swap or miss one letter, never the first."""
    place = draw.whole(1, len(word) - 1)
    turn = draw.whole(0, 3)
    if turn == 0:
        return word[:place] + word[place + 1 :]
    if turn == 1:
        return word[:place] + word[place] + word[place:]
    if turn == 2:
        return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]
    return word[:place] + _neighbour(draw, word[place]) + word[place + 1 :]


def _neighbour(draw: Draw, letter: str) -> str:
    for row in _KEYBOARD:
        place = row.find(letter.lower())
        if place >= 0:
            return row[max(0, place - 1)] if draw.chance(0.5) else row[min(len(row) - 1, place + 1)]
    return letter
