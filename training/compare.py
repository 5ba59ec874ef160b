"""Compare: whether transformers and the engine write the same, taking the likeliest token each time.

The engine is the one that serves: its prompts, its chunks, sixteen answers side by side, its drawing of tokens. Once it
is as free as transformers are, and once it is held to the grammar of each answer, as callers get it.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from transformers import AutoModelForCausalLM

from setaria.adapters.upstreams.local.engine.call import Call
from setaria.adapters.upstreams.local.engine.guide import Guide
from setaria.adapters.upstreams.local.engine.model import LocalModel, load_model
from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.adapters.upstreams.local.engine.runs import Runs
from setaria.adapters.upstreams.local.engine.sampling import Sampler
from setaria.adapters.upstreams.local.engine.scheduler import Run, Scheduler
from setaria.adapters.upstreams.local.frames import Tell
from setaria.core.dialogue import Dialogue, Sampling
from training.evaluation.items import dialogue_from_item, read_items, set_folder

_LONGEST_ANSWER = 96


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two answers part: the place, both tokens, and by how much transformers prefer theirs, in logits."""

    prompt: int
    place: int
    by_transformers: int
    by_engine: int
    margin: float

    def __str__(self) -> str:
        tokens = f"{self.by_transformers} in transformers, {self.by_engine} in the engine"
        return f"prompt {self.prompt}, token {self.place}: {tokens}, {self.margin:.2g} apart"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many prompts got the same answer, and how the others differ."""

    prompts: int
    differences: tuple[Difference, ...]
    same_in_form: int

    def __str__(self) -> str:
        same = self.prompts - len(self.differences)
        lines = [f"  {difference}" for difference in self.differences]
        return "\n".join(
            (
                f"greedy output the same in transformers and the engine: {same} of {self.prompts}",
                *lines,
                f"with the engine held to the answers' grammars: {self.same_in_form} of {self.prompts}",
            )
        )


def compare_greedily(transformers_folder: Path, engine_folder: Path, count: int) -> Comparison:
    """Let both answer prompts of the development set and compare token by token."""
    model = load_model(engine_folder)
    dialogues = development_dialogues(count)
    free, prompts = _answer(model, dialogues, is_free=True)
    in_form, _ = _answer(model, dialogues, is_free=False)
    reference = _Reference(transformers_folder, sorted(model.end_ids))
    expected = [reference.generate(prompt) for prompt in prompts]
    differences = [
        reference.difference(number, prompts[number], pair)
        for number, pair in enumerate(zip(expected, free, strict=True))
        if pair[0] != pair[1]
    ]
    same_in_form = sum(first == second for first, second in zip(expected, in_form, strict=True))
    return Comparison(count, tuple(differences), same_in_form)


def development_dialogues(count: int) -> list[Dialogue]:
    """Give dialogues of the development set, spread evenly over its rows, to be answered shortly."""
    rows = [read_items(path) for path in sorted(set_folder("development").glob("*.jsonl"))]
    spread = [row[place] for place in range(max(map(len, rows))) for row in rows if place < len(row)]
    dialogues = map(dialogue_from_item, spread[:count])
    return [msgspec.structs.replace(dialogue, max_output_tokens=_LONGEST_ANSWER) for dialogue in dialogues]


class _Reference:
    """The checkpoint in transformers, in single precision."""

    def __init__(self, folder: Path, end_ids: list[int]) -> None:
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self._end_ids = end_ids

    def generate(self, prompt: list[int]) -> list[int]:
        """Write an answer, its end token included."""
        ids = torch.tensor([prompt])
        output = self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=_LONGEST_ANSWER,
            do_sample=False,
            eos_token_id=self._end_ids,
        )
        return [int(token) for token in output[0, len(prompt) :]]

    def difference(self, number: int, prompt: list[int], answers: tuple[list[int], list[int]]) -> Difference:
        """Tell where two answers part."""
        expected, written = answers
        place = next(at for at, pair in enumerate(zip(expected, written, strict=False)) if pair[0] != pair[1])
        with torch.no_grad():
            logits = self._model(torch.tensor([prompt + expected[:place]])).logits[0, -1]
        first, second = expected[place], written[place]
        return Difference(number, place, first, second, float(logits[first] - logits[second]))


class _Recorder(Sampler):
    """Draws as the engine does, and keeps what was drawn."""

    def __init__(self, sampling: Sampling) -> None:
        super().__init__(sampling)
        self.drawn: list[int] = []

    def draw(self, logits: Logits) -> int:
        """Draw the next token."""
        self.drawn.append(super().draw(logits))
        return self.drawn[-1]


class _Free(Guide):
    """Allows every token, as transformers do."""

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size

    @property
    def is_over(self) -> bool:
        """Never: only an end token ends an answer."""
        return False

    def fill(self, address: int, size_bytes: int) -> None:
        """Allow all."""
        ctypes.memset(address, 0xFF, size_bytes)

    def take(self, token_id: int) -> None:
        """Take any token."""


class _Silence:
    """An outlet that hears nothing."""

    def deliver(self, tells: list[Tell]) -> None:
        """Drop it."""


def _answer(
    model: LocalModel, dialogues: Sequence[Dialogue], *, is_free: bool
) -> tuple[list[list[int]], list[list[int]]]:
    """Let the engine answer all dialogues; gives the answers' tokens, end token and all, and the prompts'."""
    runs, scheduler = Runs(model), Scheduler(model)
    recorders, prompts = [], []
    for number, dialogue in enumerate(dialogues):
        run = runs.make(Call(str(number), _Silence()), dialogue)
        recorder = _Recorder(dialogue.sampling)
        prompts.append([int(token) for token in run.prompt.ids])
        recorders.append(recorder)
        guide = _Free(model.vocabulary.size) if is_free else run.guide
        scheduler.submit(Run(run.call, run.prompt, recorder, guide, run.text))
    while scheduler.step():
        pass
    return [recorder.drawn for recorder in recorders], prompts
