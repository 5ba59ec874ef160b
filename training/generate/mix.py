"""Mix: which dialogues are made, in which shares, and what stands round them."""

from collections.abc import Callable
from dataclasses import replace

from setaria.core.dialogue import Message, Reasoning, Text, Tool
from training.generate import fillers
from training.generate.choices import choice_dialogue
from training.generate.draw import Draw
from training.generate.known import known_families
from training.generate.memory import copy_dialogue, many_look_ups, recall_dialogue, told_before_dialogue
from training.generate.requests import (
    argument_dialogue,
    chain_dialogue,
    draw_others,
    offer,
    parallel_dialogue,
    tool_dialogue,
)
from training.generate.sample import Sample, Turn, turns, user
from training.generate.smalltalk import small_talk_turn
from training.generate.topics import topic_turn
from training.generate.unknown import unknown_turn, unmet_turn

_SHARE_COPY_AT_FIRST = 0.45
_SHARE_CHOICE_AT_FIRST = 0.35
_SHARE_SYSTEM = 0.32
_SHARE_FILLER = 0.1
_SHARE_WRAPPED = 0.02
_SHARE_FORGOTTEN = 0.25
_SHARE_UNNEEDED_TOOLS = 0.45
_SHARE_UNFIT = 0.6


def make_sample(draw: Draw) -> Sample:
    """Make one dialogue of the final mix."""
    makers, shares = zip(*_MAKERS, strict=True)
    sample = draw.random.choices(makers, shares)[0](draw)
    return _surround(draw, _forget(draw, sample))


def make_first_sample(draw: Draw) -> Sample:
    """Make one dialogue for the beginning of the training: copying and choosing, for everything else rests on them."""
    turn = draw.random.random()
    if turn < _SHARE_COPY_AT_FIRST:
        return draw.one((copy_dialogue, many_look_ups))(draw)
    return choice_dialogue(draw) if turn < _SHARE_COPY_AT_FIRST + _SHARE_CHOICE_AT_FIRST else make_sample(draw)


def _talk(draw: Draw) -> Sample:
    """Make one to three questions about the platform, small talk among them."""
    asked = [topic_turn(draw) for _ in range(draw.random.choices((1, 2, 3), (6, 3, 1))[0])]
    if draw.chance(0.12):
        asked.insert(draw.whole(0, len(asked)), small_talk_turn(draw))
    return _chat(draw, "topic", asked)


def _small_talk(draw: Draw) -> Sample:
    return _chat(draw, "small talk", [small_talk_turn(draw) for _ in range(draw.one((1, 1, 2)))])


def _honest(draw: Draw) -> Sample:
    """Ask what cannot be known, alone or beside what can."""
    with_tools = draw.chance(_SHARE_UNNEEDED_TOOLS)
    asked = [unknown_turn(draw, with_tools=with_tools) for _ in range(draw.one((1, 1, 1, 2)))]
    if draw.chance(0.2):
        asked.insert(draw.whole(0, len(asked)), topic_turn(draw))
    return _chat(draw, "honest", asked, with_tools=with_tools)


def _unmet(draw: Draw) -> Sample:
    """Ask for what a known tool could do, with no tool or with others offered: what fits is told by the tools alone."""
    family, thinking = draw.one(known_families()), draw.chance(0.5)
    tools: tuple[Tool, ...] = ()
    if draw.chance(_SHARE_UNFIT):
        tools = tuple(tool for tool in offer(draw, [family], draw.whole(1, 4)) if tool.name != family.name)
    return Sample(
        "unmet", turns([unmet_turn(draw, family, with_tools=bool(tools))], thinking=thinking), tools, thinking
    )


def _after_tool(draw: Draw) -> Sample:
    """Go on talking after a call was answered, or call after some talk."""
    sample = tool_dialogue(draw)
    kinds: tuple[Callable[[Draw], Turn], ...] = (
        topic_turn,
        small_talk_turn,
        lambda inner: unknown_turn(inner, with_tools=True),
    )
    more = turns([draw.one(kinds)(draw)], thinking=sample.thinking)
    if sample.messages[-1].role == "assistant" and len(sample.messages) > 2 and draw.chance(0.6):
        return replace(sample, kind="after tool", messages=sample.messages + more)
    return replace(sample, kind="after talk", messages=more + sample.messages)


def _chat(draw: Draw, kind: str, asked: list[Turn], *, with_tools: bool | None = None) -> Sample:
    thinking = draw.chance(0.5)
    offered = draw.chance(_SHARE_UNNEEDED_TOOLS) if with_tools is None else with_tools
    tools = offer(draw, [], max(1, draw_others(draw))) if offered else ()
    return Sample(kind, turns(asked, thinking=thinking), tools, thinking)


_MAKERS: tuple[tuple[Callable[[Draw], Sample], float], ...] = (
    (tool_dialogue, 44),
    (choice_dialogue, 18),
    (argument_dialogue, 44),
    (parallel_dialogue, 2),
    (chain_dialogue, 3),
    (_talk, 25),
    (_small_talk, 3),
    (_honest, 15),
    (_unmet, 5),
    (_after_tool, 3.5),
    (recall_dialogue, 4),
    (told_before_dialogue, 1.5),
    (copy_dialogue, 4),
    (many_look_ups, 1.5),
)


def _forget(draw: Draw, sample: Sample) -> Sample:
    """In some dialogues that think, the client did not send earlier thoughts back: only the last answer is learnt."""
    spoken = [place for place, message in enumerate(sample.messages) if message.role == "assistant"]
    if not sample.thinking or len(spoken) < 2 or not draw.chance(_SHARE_FORGOTTEN):
        return sample
    messages = tuple(
        _without_thought(message) if place < spoken[-1] else message for place, message in enumerate(sample.messages)
    )
    return replace(sample, messages=messages, learnt_from=len(spoken) - 1)


def _without_thought(message: Message) -> Message:
    return Message(message.role, tuple(block for block in message.blocks if not isinstance(block, Reasoning)))


def _surround(draw: Draw, sample: Sample) -> Sample:
    """Put a system message before a dialogue, or a long text round its question."""
    messages = sample.messages
    if messages[0].role == "system" or sample.kind in ("choice", "arguments"):
        return sample
    turn = draw.random.random()
    if turn < _SHARE_FILLER:
        messages = (Message("system", (Text(fillers.filler(draw)),)), *messages)
    elif turn < _SHARE_SYSTEM:
        messages = (Message("system", (Text(fillers.system_text(draw)),)), *messages)
    elif turn < _SHARE_SYSTEM + _SHARE_WRAPPED:
        first = messages[0].blocks[0]
        question = first.text if isinstance(first, Text) else ""
        messages = (user(fillers.wrap_question(draw, question)), *messages[1:])
    return replace(sample, messages=messages)
