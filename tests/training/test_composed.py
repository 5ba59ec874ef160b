"""Composed tools: what is asked holds each value, tools can be told apart, and enough words are there."""

import json
import re
from collections import Counter

import pytest

from setaria.core.dialogue import Tool, ToolCall
from training.generate import lexicon
from training.generate.composed import compose, near
from training.generate.draw import Draw
from training.generate.family import ask
from training.generate.requests import tool_dialogue
from training.generate.values import is_forbidden, spoken

FAMILIES = 3_000
DIALOGUES = 1_500


def words_of(tool: Tool) -> set[str]:
    """Give the words of a tool's name and the names of its parameters."""
    names = " ".join((tool.name, *json.loads(tool.parameters)["properties"]))
    return set(re.findall(r"[a-z]{3,}", re.sub(r"([A-Z])", r" \1", names).lower())) - {"name"}


def test_there_are_many_words() -> None:
    """Few words would be learnt by heart in place of the skill."""
    assert len(lexicon.verbs()) >= 320
    assert len(lexicon.all_nouns()) >= 1_150
    assert len(lexicon.pairs("flags")) >= 60
    assert all(len(verb.ways) >= 2 for verb in lexicon.verbs())
    assert len({verb.base for verb in lexicon.verbs()}) == len(lexicon.verbs())


@pytest.mark.parametrize(
    "base, done, doing",
    [
        ("paint", "painted", "painting"),
        ("bake", "baked", "baking"),
        ("copy", "copied", "copying"),
        ("scan", "scanned", "scanning"),
        ("sell", "sold", "selling"),
        ("cut", "cut", "cutting"),
        ("oil", "oiled", "oiling"),
        ("cook", "cooked", "cooking"),
    ],
)
def test_forms_of_a_verb(base: str, done: str, doing: str) -> None:
    """Participles are formed by rule, with the exceptions of the list."""
    verb = next(verb for verb in lexicon.verbs() if verb.base == base)
    assert (verb.done, verb.doing) == (done, doing)


def test_what_is_asked_holds_every_value() -> None:
    """Each value stands in the question, each required one is given, none that is free is held out."""
    for number in range(FAMILIES):
        draw = Draw(f"composed/{number}")
        family = compose(draw)
        request = ask(draw, family)
        assert not re.search(r"<\w+>|\{|\[|\]", request.text), request.text
        for parameter in family.parameters:
            assert parameter.name in request.arguments or not parameter.is_required
            value = request.arguments.get(parameter.name, True)
            assert value is True or spoken(draw, value) in request.text
            assert "enum" in parameter.schema or not is_forbidden(value)


def test_a_seed_gives_the_same_tool_again() -> None:
    """The same chance makes the same tool."""
    assert [compose(Draw(f"same/{number}")) for number in range(200)] == [
        compose(Draw(f"same/{number}")) for number in range(200)
    ]


def test_a_near_tool_never_shares_both_words() -> None:
    """One shared word must leave another that decides."""
    for number in range(FAMILIES):
        draw = Draw(f"near/{number}")
        wanted = compose(draw)
        other = near(draw, wanted)
        assert (other.verb, other.noun) != (wanted.verb, wanted.noun)


def test_the_wanted_tool_is_offered_and_half_of_its_dialogues_hold_one_that_is_like_it() -> None:
    """The wanted tool is there once; about half of the dialogues with others share a word of the call."""
    found = Counter[str]()
    for number in range(DIALOGUES):
        sample = tool_dialogue(Draw(f"offer/{number}"))
        names = [tool.name for tool in sample.tools]
        assert len(set(names)) == len(names)
        call = next(block for block in sample.messages[1].blocks if isinstance(block, ToolCall))
        assert call.name in names
        words = {tool.name: words_of(tool) for tool in sample.tools}
        wanted = words.pop(call.name)
        if sample.kind == "composed" and words:
            found["with others"] += 1
            found["alike"] += any(wanted & other for other in words.values())
    assert found["with others"] > DIALOGUES / 5
    assert 0.3 < found["alike"] / found["with others"] < 0.7, found
