"""Choices: short dialogues in which one of several tools is meant, or none, and little else is to be learnt.

Half of them are blind: names mean nothing, so only the descriptions tell which tool is meant. Without these the first
word of a question is copied as the name's beginning, and the descriptions are never read.
"""

import re
from dataclasses import dataclass

from setaria.core.dialogue import Tool
from training.generate import lexicon, noise
from training.generate.draw import Draw
from training.generate.known import made_up_name
from training.generate.sample import Sample, Value, answer, calls, user
from training.generate.topics import fallback
from training.generate.values import draw_value

_SHARE_BLIND = 0.5
_SHARE_UNFIT = 0.25
THOUGHT_UNFIT = "No tool fits and I do not know this. I say so honestly."
_SHARE_NAMELESS = 0.25
_SHARE_DESCRIBED = 0.7
_SHARE_ALIKE = 0.5
_SHARE_REFERENCE = 0.35
_WITHOUT = b'{"type":"object","properties":{}}'
_WITH_KEY = b'{"type":"object","properties":{"key":{"type":"string"}},"required":["key"]}'
_ASKED = (
    "{verb} the {noun}",
    "{verb} the {noun}",
    "{verb} a {noun}",
    "{verb} my {noun}",
    "{verb} this {noun}",
    "can you {verb} the {noun}",
    "I want to {verb} the {noun}",
    "I have to {verb} a {noun}",
    "we should {verb} that {noun}",
    "please {verb} our {noun}",
    "how do I {verb} a {noun}",
    "help me {verb} the {noun}",
    "the {noun}: {verb} it",
    "there is a {noun} here, {verb} it",
    "about the {noun}, {verb} it now",
    "it is time to {verb} the {noun}",
    "let us {verb} the {noun}",
    "{noun} {verb}",
    "{verb} {noun}",
    "take the {noun} and {verb} it",
)
_ONLY_NOUN = ("what about the {noun}", "the {noun}, please", "I need the {noun}", "{noun}", "something with a {noun}")
_ONLY_VERB = ("{verb} it", "I want to {verb} this", "{verb} that one", "{verb}", "can you {verb} something")
_DESCRIBED = (
    "{verb} a {noun}",
    "{verb} the {noun}",
    "{verb} {noun}s",
    "lets you {verb} a {noun}",
    "use it to {verb} a {noun}",
)


@dataclass(frozen=True, slots=True)
class _Deed:
    """What a tool does."""

    verb: str
    noun: str


def choice_dialogue(draw: Draw) -> Sample:
    """Make a question for one of up to seven tools, and the call; in a quarter the one that is meant is not offered."""
    is_blind = draw.chance(_SHARE_BLIND)
    many = draw.random.choices((1, 2, 3, 4, 5, 6, 7), (3, 3, 4, 5, 5, 2, 2))[0]
    deeds = [_deed(draw)]
    while len(deeds) < many:
        deed = _near(draw, draw.one(deeds)) if draw.chance(_SHARE_ALIKE) else _deed(draw)
        if deed not in deeds:
            deeds.append(deed)
    wanted = deeds[0]
    offered = draw.some(deeds, many)
    tools = {deed: _blind_tool(draw, deed) if is_blind else _tool(draw, deed) for deed in offered}
    name = tools[wanted].name
    if len({tool.name for tool in tools.values()}) < many:
        return choice_dialogue(draw)
    text = noise.dress_order(draw, _asked(draw, wanted, offered))
    arguments: dict[str, Value] = {}
    if b"key" in tools[wanted].parameters:
        arguments["key"] = draw_value(draw, "designation")
        text += f" {arguments['key']}"
    thinking = draw.chance(0.5)
    if draw.chance(_SHARE_UNFIT):
        left = tuple(tool for tool in tools.values() if tool.name != name) or (_tool(draw, _unlike(draw, wanted)),)
        told = answer(fallback("en"), THOUGHT_UNFIT, thinking=thinking)
        return Sample("choice", (user(noise.frame(draw, text)), told), left, thinking)
    message = calls([(name, arguments)], _thought(name, arguments), thinking=thinking)
    return Sample("choice", (user(noise.frame(draw, text)), message), tuple(tools.values()), thinking)


def _thought(name: str, arguments: dict[str, Value]) -> str:
    named = ", ".join(f"{key} = {value}" for key, value in arguments.items())
    return f"The tool {name} fits: {named}." if named else f"The tool {name} fits."


def _deed(draw: Draw) -> _Deed:
    verb = draw.one(lexicon.verbs()).base if draw.chance(0.5) else draw.word("verb")
    noun = draw.one(lexicon.all_nouns()) if draw.chance(0.5) else draw.word("noun")
    if draw.chance(0.12):
        verb = draw.syllables(1, 3)
    if draw.chance(0.15):
        noun = draw.invented_word().lower()
    return _Deed(verb, noun)


def _unlike(draw: Draw, deed: _Deed) -> _Deed:
    """Make a deed with another verb and another noun."""
    while True:
        other = _deed(draw)
        if other.verb != deed.verb and other.noun != deed.noun:
            return other


def _near(draw: Draw, deed: _Deed) -> _Deed:
    """Keep the verb or the noun."""
    other = _deed(draw)
    return _Deed(deed.verb, other.noun) if draw.chance(0.5) else _Deed(other.verb, deed.noun)


def _tool(draw: Draw, deed: _Deed) -> Tool:
    verb, noun = deed.verb.replace(" ", "_"), deed.noun.replace(" ", "_").replace("-", "_")
    turn = draw.random.random()
    name = f"{verb}_{noun}"
    if turn < 0.15:
        name = verb + "".join(part.capitalize() for part in noun.split("_"))
    elif turn < 0.25:
        name = f"{noun}_{verb}"
    elif turn < 0.25 + _SHARE_NAMELESS:
        name = made_up_name(draw)
    is_named = turn < 0.25 or turn >= 0.25 + _SHARE_NAMELESS
    has_key = draw.chance(_SHARE_REFERENCE)
    parameters = _WITH_KEY if has_key else _WITHOUT
    return Tool(name, "" if is_named and not draw.chance(_SHARE_DESCRIBED) else _described(draw, deed), parameters)


def _blind_tool(draw: Draw, deed: _Deed) -> Tool:
    name = re.sub(r"\W", "", draw.invented_word()) or "x"
    return Tool(name, _described(draw, deed), _WITHOUT)


def _described(draw: Draw, deed: _Deed) -> str:
    text = draw.one(_DESCRIBED).format(verb=deed.verb, noun=deed.noun)
    return text[:1].upper() + text[1:] if draw.chance(0.8) else text


def _asked(draw: Draw, wanted: _Deed, offered: list[_Deed]) -> str:
    """Ask with verb and noun, or with one of them where that is enough."""
    turn = draw.random.random()
    shapes: tuple[str, ...] = _ASKED
    if turn < 0.12 and sum(deed.noun == wanted.noun for deed in offered) == 1:
        shapes = _ONLY_NOUN
    elif turn < 0.24 and sum(deed.verb == wanted.verb for deed in offered) == 1:
        shapes = _ONLY_VERB
    return draw.one(shapes).format(verb=wanted.verb, noun=wanted.noun)
