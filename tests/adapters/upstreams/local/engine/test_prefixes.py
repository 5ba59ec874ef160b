"""Prompts that are kept for the next turn."""

import numpy as np
import pytest

from setaria.adapters.upstreams.local.engine.call import Call
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.network import CacheShape
from setaria.adapters.upstreams.local.engine.prefixes import Prefixes, shared_tokens
from setaria.adapters.upstreams.local.engine.runs import Runs
from setaria.adapters.upstreams.local.engine.scheduler import Scheduler
from setaria.adapters.upstreams.local.engine.slots import Slots
from setaria.adapters.upstreams.local.engine.vocabulary import TokenIds
from setaria.adapters.upstreams.local.frames import Started
from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from tests.adapters.upstreams.local.engine.driving import GREEDY, Listener

CHANCE = Sampling(temperature=1.0, top_p=0.95, seed=7)
OPENING = "You are a helper in a tea house by the river. " * 8


def ids(*parts: tuple[int, int]) -> TokenIds:
    """Make a prompt of runs of one token: (token, how often)."""
    return np.repeat([token for token, _ in parts], [count for _, count in parts]).astype(np.int32)


@pytest.mark.parametrize(
    "first,second,expected",
    [
        (ids((1, 3)), ids((1, 3)), 3),
        (ids((1, 3)), ids((1, 5)), 3),
        (ids((1, 3), (2, 1)), ids((1, 3), (3, 1)), 3),
        (ids((1, 3)), ids((2, 3)), 0),
        (ids(), ids((1, 1)), 0),
    ],
)
def test_shared_tokens_are_counted_from_the_beginning(first: TokenIds, second: TokenIds, expected: int) -> None:
    """What two prompts share ends at the first difference or at the shorter one's end."""
    assert (shared_tokens(first, second), shared_tokens(second, first)) == (expected, expected)


def test_the_oldest_gives_way_and_beginnings_are_kept_once() -> None:
    """A longer prompt replaces its own beginning, a beginning is not kept beside it, and the oldest is dropped."""
    slots = Slots(CacheShape(layers=1, heads=1, head_size=2, element=np.float32), 1, 200, kept_rows=2)
    prefixes = Prefixes(slots)
    for prompt in (ids((1, 20)), ids((1, 20), (2, 20)), ids((1, 30)), ids((3, 20)), ids((4, 10))):
        prefixes.keep(0, prompt)
    found = [prefixes.find(prompt)[1] for prompt in (ids((1, 50)), ids((1, 20), (2, 20)), ids((3, 50)), ids((4, 50)))]
    assert (found, prefixes.tokens) == ([30, 20, 20, 0], 50)
    prefixes.drop_oldest()
    prefixes.drop_oldest()
    assert (prefixes.tokens, prefixes.find(ids((3, 50)))[1]) == (0, 0)


def turns(sampling: Sampling) -> list[Dialogue]:
    """Make three turns of one conversation, another one with the same opening, and the first turn again."""
    history: list[Message] = [Message("system", (Text(OPENING),)), Message("user", (Text("What is Setaria?"),))]
    dialogues = [Dialogue(tuple(history), True, 48, sampling)]
    for question in ("How do I create an API key?", "What is thinking mode?"):
        history += [Message("assistant", (Text("It is a platform."),)), Message("user", (Text(question),))]
        dialogues.append(Dialogue(tuple(history), True, 48, sampling))
    other = Dialogue((history[0], Message("user", (Text("Who are you?"),))), True, 48, sampling)
    return [*dialogues, other, dialogues[0]]


def converse(
    model: LocalModel, dialogues: list[Dialogue], kept_rows: int, together: bool
) -> tuple[list[str], list[int]]:
    """Answer dialogues one after another or together; gives their texts and cached tokens."""
    listener = Listener()
    scheduler = Scheduler(model, kept_rows=kept_rows)
    runs = Runs(model)
    for index, dialogue in enumerate(dialogues):
        scheduler.submit(runs.make(Call(str(index), listener), dialogue))
        while not together and scheduler.step():
            pass
    while scheduler.step():
        pass
    cached = {tell.id: tell.cached_tokens for tell in listener.tells if isinstance(tell, Started)}
    texts = [listener.text(str(index)) for index in range(len(dialogues))]
    return texts, [cached[str(index)] for index in range(len(dialogues))]


@pytest.mark.parametrize("sampling", [GREEDY, CHANCE])
def test_what_is_kept_changes_no_answer(model: LocalModel, sampling: Sampling) -> None:
    """Answers are the same with kept prompts and without, one after another and together; later turns read less."""
    dialogues = turns(sampling)
    plain, cached_of_none = converse(model, dialogues, 0, together=False)
    reused, cached = converse(model, dialogues, 4, together=False)
    beside, _ = converse(model, dialogues, 4, together=True)
    lengths = [len(Runs(model)._prompts.read(dialogue).ids) for dialogue in dialogues]
    assert (reused, beside, set(cached_of_none), cached[0]) == (plain, plain, {0}, 0)
    assert [tokens >= 80 for tokens in cached[1:]] == [True] * 4
    assert (cached[1] >= lengths[0] - 4, cached[4]) == (True, lengths[0] - 2)


def test_an_open_row_lends_its_beginning(model: LocalModel) -> None:
    """A prompt copies what a call still under way has read already."""
    listener = Listener()
    scheduler = Scheduler(model)
    runs = Runs(model)
    dialogue = turns(GREEDY)[0]
    scheduler.submit(runs.make(Call("a", listener), dialogue))
    scheduler.step()
    scheduler.submit(runs.make(Call("b", listener), dialogue))
    while scheduler.step():
        pass
    cached = {tell.id: tell.cached_tokens for tell in listener.tells if isinstance(tell, Started)}
    assert (cached["a"], cached["b"] > 80, listener.text("a")) == (0, True, listener.text("b"))
