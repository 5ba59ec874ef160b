"""The scheduler, on the built-in model."""

import dataclasses

import msgspec
import numpy as np
import pytest

from setaria.adapters.upstreams.local.engine import scheduler as scheduler_module
from setaria.adapters.upstreams.local.engine.call import Call
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.network import Block, Logits, Network
from setaria.adapters.upstreams.local.engine.runs import Runs
from setaria.adapters.upstreams.local.engine.scheduler import Scheduler
from setaria.adapters.upstreams.local.engine.slots import Slots
from setaria.adapters.upstreams.local.frames import Done, Failed, Piece, Started
from setaria.core.dialogue import Dialogue, Message, ResponseFormat, Sampling, Text, ToolChoice
from tests.adapters.upstreams.local.engine.driving import (
    FAQ_MESSAGES,
    GREEDY,
    RESULT_MESSAGES,
    WEATHER,
    WEATHER_CALL,
    Listener,
    answers,
    question,
)

QUESTIONS = ["Hello", "Who are you?", "How do I create an API key?", "What is thinking mode?", "What is Setaria?"]
QUESTIONS += [f"Say the word {'very ' * size}slowly" for size in (1, 9, 60, 120, 300)]
CHANCE = Sampling(temperature=1.0, top_p=0.95, seed=7)


def test_the_faq_example_makes_the_call(model: LocalModel) -> None:
    """The weather question of the public FAQ is answered with the right call, thinking or not."""
    plain = Dialogue(FAQ_MESSAGES, False, 256, GREEDY, (WEATHER,))
    thinking = Dialogue(FAQ_MESSAGES, True, 256, GREEDY, (WEATHER,))
    without, with_thought = answers(model, [plain, thinking])
    thought, mark, answer = with_thought.partition("</think>")
    assert (without, thought.startswith("<think>"), mark, answer) == (WEATHER_CALL, True, "</think>", WEATHER_CALL)


def test_a_tool_result_is_quoted(model: LocalModel) -> None:
    """After a tool result the model gives the final answer from it."""
    dialogue = Dialogue(RESULT_MESSAGES, False, 256, GREEDY, (WEATHER,))
    text = answers(model, [dialogue])[0]
    assert ("22" in text, "sunny" in text, "<tool_call>" in text) == (True, True, False)


@pytest.mark.parametrize("words", [1, 4, 9])
def test_a_begun_answer_goes_on(model: LocalModel, words: int) -> None:
    """What the model would have said anyway, given as the beginning, is not said again: only the rest comes."""
    asked = question("What is Setaria?", max_output_tokens=200)
    whole = answers(model, [asked])[0]
    beginning = " ".join(whole.split(" ")[:words])
    turn = Message("assistant", (Text(beginning),))
    begun = msgspec.structs.replace(asked, messages=(*asked.messages, turn), thinking=True, continues=True)
    assert beginning + answers(model, [begun])[0] == whole
    assert Runs(model).count(begun) == Runs(model).count(asked) + len(model.vocabulary.encode(beginning))


def test_no_call_without_tools(model: LocalModel) -> None:
    """Where no tool is offered, or tool_choice is none, the text holds no call."""
    none = Dialogue(FAQ_MESSAGES, False, 64, CHANCE, (WEATHER,), ToolChoice("none"))
    texts = answers(model, [Dialogue(FAQ_MESSAGES, False, 64, CHANCE), none])
    assert ["<tool_call>" in text or "<function=" in text for text in texts] == [False, False]


@pytest.mark.parametrize("sampling", [GREEDY, CHANCE])
def test_neighbours_change_nothing(model: LocalModel, sampling: Sampling) -> None:
    """An answer is the same alone and beside others of other lengths, greedy and by chance."""
    dialogues = [question(text, sampling) for text in QUESTIONS]
    alone = [answers(model, [dialogue], rows=1)[0] for dialogue in dialogues]
    assert answers(model, dialogues) == alone
    assert answers(model, dialogues, rows=3) == alone


def test_forms_of_neighbours_change_nothing(model: LocalModel) -> None:
    """An answer with tools drawn by chance is the same alone and beside others that are held to other forms."""
    tools = Dialogue(FAQ_MESSAGES, True, 64, CHANCE, (WEATHER,))
    forced = msgspec.structs.replace(tools, thinking=False, tool_choice=ToolChoice("required"))
    form = msgspec.structs.replace(tools, tools=(), response_format=ResponseFormat("json_object"))
    dialogues = [tools, forced, form, question("Hello", CHANCE), msgspec.structs.replace(tools, thinking=False)]
    alone = [answers(model, [dialogue], rows=1)[0] for dialogue in dialogues]
    assert answers(model, dialogues) == alone


def test_a_seed_gives_one_answer(model: LocalModel) -> None:
    """The same seed gives the same text, another one another text."""
    wild = [Sampling(temperature=4.0, top_p=1.0, seed=seed) for seed in (3, 3, 4, 5, 6)]
    texts = answers(model, [question("The tea house by the river", sampling) for sampling in wild])
    assert (texts[0] == texts[1], len(set(texts)) > 2) == (True, True)


def test_chunks_change_nothing(model: LocalModel) -> None:
    """A prompt read in chunks gives the logits of one read whole."""
    ids = np.array([[15 + index * 7 % 2000 for index in range(700)]])

    def read(size: int) -> Logits:
        slots = Slots(model.network.shape, 1, 1024)
        slot = slots.open()
        logits = np.zeros((1, 1), dtype=np.float32)
        for start in range(0, 700, size):
            chunk = ids[:, start : start + size]
            logits = model.network.run(slots.block(0, 1), chunk, slots.mask(0, 1, chunk.shape[1]))
            slot.length += chunk.shape[1]
        return logits

    whole = read(700)
    assert [float(np.abs(read(size) - whole).max()) < 1e-3 for size in (256, 100, 64)] == [True, True, True]


def test_running_answers_go_on_beside_a_long_prompt(model: LocalModel) -> None:
    """While a prompt of 3,000 tokens is read, an answer under way gets a token with each step."""
    listener = Listener()
    scheduler = Scheduler(model)
    scheduler.submit(Runs(model).make(Call("short", listener), question("How do I create an API key?")))
    scheduler.step()
    scheduler.submit(Runs(model).make(Call("long", listener), question("very " * 1_500)))
    told = []
    while not any(isinstance(tell, Started) and tell.id == "long" for tell in listener.tells):
        before = len(listener.text("short"))
        scheduler.step()
        told.append(len(listener.text("short")) > before)
    assert (len(told) >= 10, all(told)) == (True, True)


def test_a_cancelled_call_frees_its_row_at_once(model: LocalModel) -> None:
    """A cancelled call has left its row after the next step, in under 100 ms, and nothing more is told of it."""
    listener = Listener()
    scheduler = Scheduler(model)
    calls = [Call(str(index), listener) for index in range(3)]
    for call in calls:
        scheduler.submit(Runs(model).make(call, question("What is thinking mode?")))
    for _ in range(5):
        scheduler.step()
    calls[1].cancelled = True
    scheduler.step()
    assert scheduler.free_rows == 14
    told = len(listener.text("1"))
    while scheduler.step():
        pass
    assert (len(listener.text("1")), listener.text("0"), scheduler.free_rows) == (told, listener.text("2"), 16)


def test_a_cancelled_call_that_waits_never_starts(model: LocalModel) -> None:
    """A call cancelled before a row was free is told nothing."""
    listener = Listener()
    scheduler = Scheduler(model, rows=1)
    call = Call("b", listener)
    scheduler.submit(Runs(model).make(Call("a", listener), question("Hello")))
    scheduler.submit(Runs(model).make(call, question("Hello")))
    call.cancelled = True
    while scheduler.step():
        pass
    assert {tell.id for tell in listener.tells} == {"a"}


def test_sixty_four_calls_end_well(model: LocalModel) -> None:
    """Four times as many calls as rows are all answered, each with what it gets alone."""
    texts = answers(model, [question(QUESTIONS[index % 5]) for index in range(64)])
    assert [texts[index] == texts[index % 5] for index in range(64)] == [True] * 64


def test_the_limit_ends_an_answer(model: LocalModel) -> None:
    """An answer that reaches its limit ends with the reason `length`, its tokens counted."""
    listener = Listener()
    scheduler = Scheduler(model)
    scheduler.submit(Runs(model).make(Call("a", listener), question("What is thinking mode?", max_output_tokens=5)))
    while scheduler.step():
        pass
    counted = sum(tell.tokens for tell in listener.tells if isinstance(tell, Piece))
    assert (listener.end("a"), counted) == (Done("a", "length", 5), 5)


def test_a_stop_string_ends_an_answer(model: LocalModel) -> None:
    """A stop string across tokens ends the answer, is named, and is not part of the text."""
    listener = Listener()
    scheduler = Scheduler(model)
    stopped = Sampling(temperature=0.0, top_p=1.0, stop=("nope", "can I he"))
    scheduler.submit(Runs(model).make(Call("a", listener), question("Hello", stopped)))
    while scheduler.step():
        pass
    end = listener.end("a")
    assert isinstance(end, Done)
    before = answers(model, [question("Hello")])[0].partition("can I he")[0]
    assert before.startswith("Hello!")
    assert (listener.text("a"), end.reason, end.stop_sequence) == (before, "stop", "can I he")


class BrokenNetwork(Network):
    """A network that fails on prompts of a certain length, or when it decodes."""

    def __init__(self, network: Network, failing_tokens: int) -> None:
        self.shape = network.shape
        self._network = network
        self._failing_tokens = failing_tokens

    def run(self, block: Block, ids: np.ndarray, mask: np.ndarray) -> Logits:
        if ids.shape[1] == self._failing_tokens:
            raise RuntimeError("out of order")
        return self._network.run(block, ids, mask)


@pytest.mark.parametrize("failing_tokens", [1, 20])
def test_an_error_fails_the_calls_it_meets(
    model: LocalModel, failing_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass that fails ends its calls with `failed`, frees their rows, and leaves the thread alive."""
    monkeypatch.setattr(scheduler_module, "_chunk_tokens", lambda position, unread: 20)
    listener = Listener()
    broken = LocalModel(
        BrokenNetwork(model.network, failing_tokens), model.vocabulary, model.template, model.end_ids, 8192, 1024
    )
    scheduler = Scheduler(broken)
    scheduler.submit(Runs(model).make(Call("a", listener), question("How do I create " * 10)))
    while scheduler.step():
        pass
    end = listener.end("a")
    assert isinstance(end, Failed)
    assert (end.kind, scheduler.free_rows) == ("failed", 16)


def test_a_long_prompt_and_short_ones_take_turns(model: LocalModel) -> None:
    """While short prompts keep coming, a long one is read on with every other chunk, and none of them waits long."""
    listener = Listener()
    scheduler = Scheduler(model, rows=4)
    runs = Runs(model)
    scheduler.submit(runs.make(Call("long", listener), question("very " * 1_500, max_output_tokens=1)))
    steps = 0
    while not any(isinstance(tell, Started) and tell.id == "long" for tell in listener.tells):
        scheduler.submit(runs.make(Call(str(steps), listener), question(f"{steps} Hello", max_output_tokens=1)))
        scheduler.step()
        steps += 1
    started = sum(isinstance(tell, Started) for tell in listener.tells)
    assert (20 <= steps <= 40, started >= steps // 2) == (True, True)


def test_only_what_fits_is_admitted(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls wait while the tokens that are held leave no room, kept prompts give way, and one call always runs."""
    monkeypatch.setattr(scheduler_module, "_HELD_BYTES", 0)
    small = dataclasses.replace(model, comfortable_tokens=700)
    listener = Listener()
    scheduler = Scheduler(small)
    runs = Runs(model)
    for index in range(6):
        scheduler.submit(runs.make(Call(str(index), listener), question(f"{index} " + "very " * 150)))
    most = 0
    while scheduler.step():
        most = max(most, 16 - scheduler.free_rows)
        held = scheduler._held_tokens() + scheduler._prefixes.tokens
        assert held <= 700
    ends = [listener.end(str(index)) for index in range(6)]
    assert (most, [type(end) for end in ends]) == (1, [Done] * 6)
