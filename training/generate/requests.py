"""Requests: dialogues in which a tool is called, its result comes and is answered."""

from functools import cache

from setaria.core.dialogue import Message, Tool
from training.generate import results
from training.generate.composed import compose, near
from training.generate.draw import Draw
from training.generate.family import Family, Request, ask
from training.generate.invented import invent
from training.generate.known import known_families, vary
from training.generate.sample import Sample, answer, calls, user
from training.generate.sample import results as results_message
from training.generate.values import spoken

_SHARE_KNOWN = 0.48
_SHARE_COMPOSED = 0.31
_SHARE_NEAR = 0.65
_SHARE_WITH_RESULT = 0.55
_JOINTS = (" and ", " Also ", ", then ", " and then ", "\n", " and also ")
THOUGHT_AFTER_RESULT = "The tool answered. I give the result to the user."
THOUGHT_AFTER_ERROR = "The call failed. I tell the user."


def draw_family(draw: Draw) -> Family:
    """Take a known family, as it is or varied, a composed one or an invented one."""
    turn = draw.random.random()
    if turn < _SHARE_KNOWN:
        return vary(draw, draw.one(known_families()))
    return compose(draw) if turn < _SHARE_KNOWN + _SHARE_COMPOSED else invent(draw)


def offer(draw: Draw, wanted: list[Family], others: int) -> tuple[Tool, ...]:
    """Offer the wanted tools among so many others, in any order; no two of one origin or name.

    In half of the cases some of the others share a word with a wanted one, so that one word does not decide.
    """
    families = {family.origin: family for family in wanted}
    names = {family.name for family in wanted}
    alike = draw.one((1, 1, 2, 3)) if wanted and others and draw.chance(_SHARE_NEAR) else 0
    while len(families) < len(wanted) + others:
        family = near(draw, draw.one(wanted)) if alike > 0 else draw_family(draw)
        alike -= 1
        if family.origin not in families and family.name not in names:
            families[family.origin] = family
            names.add(family.name)
    offered = list(families.values())
    return tuple(family.tool() for family in draw.some(offered, len(offered)))


def draw_others(draw: Draw) -> int:
    """Draw how many tools are offered beside the wanted one: mostly few, sometimes an agent's whole set."""
    many = draw.random.choices((0, 1, 2, 3, 4, 5, 6, 9, 15), (16, 19, 18, 16, 16, 6, 4, 3, 2))[0]
    return int(many)


def tool_dialogue(draw: Draw) -> Sample:
    """Make a dialogue with one call, often with its result and the answer."""
    family = draw_family(draw)
    kind = "composed" if family.verb else "known" if family.origin in _known_origins() else "invented"
    return _dialogue(draw, kind, [family])


def argument_dialogue(draw: Draw) -> Sample:
    """Make a question for a tool that stands alone or nearly so, and the call: all of it is which words go where."""
    family = draw_family(draw)
    thinking = draw.chance(0.5)
    others = draw.random.choices((0, 1, 2), (7, 2, 1))[0]
    messages = _exchange(draw, [ask(draw, family)], thinking=thinking, with_result=False)
    return Sample("arguments", tuple(messages), offer(draw, [family], others), thinking)


def parallel_dialogue(draw: Draw) -> Sample:
    """Make a dialogue in which one message asks for two calls."""
    first = draw_family(draw)
    second = draw_family(draw) if draw.chance(0.6) else first
    return _dialogue(draw, "parallel", [first] if second.origin == first.origin else [first, second], calls_wanted=2)


def chain_dialogue(draw: Draw) -> Sample:
    """Make a dialogue with two or three calls, one after the other, each asked for by itself."""
    families = [draw_family(draw) for _ in range(draw.whole(2, 3))]
    distinct = {family.origin: family for family in families}
    thinking = draw.chance(0.5)
    messages: list[Message] = []
    for family in distinct.values():
        messages += _exchange(draw, [ask(draw, family)], thinking=thinking, with_result=True)
    return Sample("chain", tuple(messages), offer(draw, list(distinct.values()), draw.whole(0, 2)), thinking)


@cache
def _known_origins() -> frozenset[str]:
    return frozenset(family.origin for family in known_families())


def _dialogue(draw: Draw, kind: str, families: list[Family], *, calls_wanted: int = 1) -> Sample:
    thinking = draw.chance(0.5)
    requests = [ask(draw, families[number % len(families)]) for number in range(calls_wanted)]
    messages = _exchange(draw, requests, thinking=thinking, with_result=draw.chance(_SHARE_WITH_RESULT))
    return Sample(kind, tuple(messages), offer(draw, families, draw_others(draw)), thinking)


def _exchange(draw: Draw, requests: list[Request], *, thinking: bool, with_result: bool) -> list[Message]:
    text = requests[0].text
    for request in requests[1:]:
        text = text.rstrip() + draw.one(_JOINTS) + request.text
    wanted = [(request.name, request.arguments) for request in requests]
    messages = [user(text), calls(wanted, " ".join(_thought(draw, request) for request in requests), thinking=thinking)]
    if with_result:
        found = [results.draw_result(draw) for _ in requests]
        failed = any(results.is_error(text) for text, _ in found)
        messages += [
            results_message([text for text, _ in found]),
            answer(
                results.answer_for(found), THOUGHT_AFTER_ERROR if failed else THOUGHT_AFTER_RESULT, thinking=thinking
            ),
        ]
    return messages


def _thought(draw: Draw, request: Request) -> str:
    named = ", ".join(f"{name} = {spoken(draw, value)}" for name, value in request.arguments.items())
    return f"The tool {request.name} fits: {named}." if named else f"The tool {request.name} fits."
