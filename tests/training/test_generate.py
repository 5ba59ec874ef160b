"""The generator: dialogues are the same for the same seed, whole, honest, and free of what is held out."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from setaria.core.dialogue import ToolCall
from training.generate.draw import Draw
from training.generate.family import Family, ask
from training.generate.invented import invent
from training.generate.known import known_families, vary
from training.generate.mix import make_first_sample, make_sample
from training.generate.sample import Sample
from training.generate.topics import platform_topics
from training.generate.values import is_forbidden, spoken

SAMPLES = 600
LEAST_WORDINGS = 15


def samples() -> list[Sample]:
    """Make some dialogues of the final mix."""
    return [make_sample(Draw(f"test/{number}")) for number in range(SAMPLES)]


def calls_of(sample: Sample) -> list[ToolCall]:
    """Give the calls of a dialogue."""
    return [block for message in sample.messages for block in message.blocks if isinstance(block, ToolCall)]


@pytest.mark.parametrize("family", known_families(), ids=lambda family: family.name)
def test_each_family_has_many_wordings_that_name_what_is_required(family: Family) -> None:
    """Each family can be asked for in fifteen ways or more, and each of them names what the call must have."""
    assert len(set(family.wordings)) >= LEAST_WORDINGS
    for wording in family.wordings:
        always = wording.split("[")[0] + "".join(part.split("]")[1] for part in wording.split("[")[1:])
        for parameter in family.parameters:
            if parameter.is_required:
                assert f"{{{parameter.name}}}" in always or f"{{{parameter.name}=" in always, wording


def test_each_topic_has_many_wordings_and_none_stands_for_two_answers() -> None:
    """No wording stands for two different answers."""
    answers: dict[str, set[str]] = {}
    for topic in platform_topics():
        assert len(set(topic.wordings)) >= LEAST_WORDINGS, topic.question
        for wording in (topic.question, *topic.wordings):
            answers.setdefault(wording.casefold(), set()).add(topic.answer)
    assert [wording for wording, meant in answers.items() if len(meant) > 1] == []


@pytest.mark.parametrize("make", [make_sample, make_first_sample])
def test_a_seed_gives_the_same_dialogue_again(make: Callable[[Draw], Sample]) -> None:
    """A broken-off training goes on with the very dialogues that it would have seen."""
    assert [make(Draw(f"same/{number}")) for number in range(50)] == [
        make(Draw(f"same/{number}")) for number in range(50)
    ]


def test_what_is_asked_holds_every_value_that_the_call_must_have() -> None:
    """Copying is all that a call needs: each value stands in the question."""
    for number in range(SAMPLES):
        draw = Draw(f"ask/{number}")
        family = invent(draw) if number % 2 else vary(draw, draw.one(known_families()))
        request = ask(draw, family)
        for parameter in family.parameters:
            assert parameter.name in request.arguments or not parameter.is_required
        for value in request.arguments.values():
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                assert spoken(draw, value) in request.text


def test_no_call_is_learnt_that_was_not_offered_and_none_holds_what_is_held_out() -> None:
    """Calls fit the tools beside them, and the values of the evaluation stay unseen."""
    kinds = Counter[str]()
    for sample in samples():
        offered = {tool.name: json.loads(tool.parameters)["properties"] for tool in sample.tools}
        for call in calls_of(sample):
            assert call.name in offered
            for name, value in json.loads(call.arguments).items():
                assert "enum" in offered[call.name][name] or not is_forbidden(value)
        kinds[sample.kind] += 1
    assert set(kinds) >= {"known", "invented", "topic", "honest", "unmet", "recall", "copy", "small talk", "chain"}
