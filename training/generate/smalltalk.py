"""Small talk: greetings, thanks and what else people say to try out a model."""

from functools import cache
from pathlib import Path

from training.generate import noise
from training.generate.draw import Draw
from training.generate.sample import Turn

_TALK = Path(__file__).with_name("smalltalk.txt")
_SHARE_CHINESE = 0.1
_THOUGHTS = {"en": "The user makes small talk.", "zh": "用户在闲聊。"}


def small_talk_turn(draw: Draw) -> Turn:
    """Say something that needs no knowledge."""
    language = "zh" if draw.chance(_SHARE_CHINESE) else "en"
    reply, said = draw.one(_read_talk()[language])
    text = draw.one(said)
    if language == "en":
        text = _typed(draw, text)
    return Turn(text, _THOUGHTS[language], reply)


def _typed(draw: Draw, text: str) -> str:
    turn = draw.random.random()
    if turn < 0.12:
        return noise.misspell(draw, text)
    if turn < 0.3:
        return text.lower()
    if turn < 0.45:
        return text.rstrip("?.!") + draw.one(("!", ".", "", "!!", " :)"))
    return text


@cache
def _read_talk() -> dict[str, list[tuple[str, list[str]]]]:
    """Read `smalltalk.txt`: by language, each answer with what it answers."""
    talk: dict[str, list[tuple[str, list[str]]]] = {"en": [], "zh": []}
    said: list[str] = []
    for line in _TALK.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            said.append(line[1:])
        elif not line.startswith("#"):
            language, _, reply = line.partition(": ")
            said = []
            talk[language].append((reply, said))
    return talk
