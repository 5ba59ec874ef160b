"""Answers: decodes items the way the model is served, and reads what it wrote as a caller would get it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from setaria.adapters.upstreams.local.engine.call import Call
from setaria.adapters.upstreams.local.engine.engine import Engine
from setaria.adapters.upstreams.local.frames import Done, Failed, Piece, Started, Tell
from setaria.core.dialogue import Dialogue
from setaria.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart
from setaria.wire.dialects.reader import DialectReader
from training.evaluation.items import Item, dialogue_from_item

TOGETHER = 16
"""How many items are decoded at the same time: as many as the engine has rows."""


class MadeCall(msgspec.Struct, frozen=True):
    """A call that the model made; `arguments` is None where they are no JSON object."""

    name: str
    arguments: dict[str, object] | None


class Answer(msgspec.Struct, frozen=True):
    """What a caller would get; `error` says why there is no answer."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[MadeCall, ...] = ()
    output_tokens: int = 0
    error: str = ""


@dataclass(slots=True)
class _Pending:
    """An answer under way."""

    dialogue: Dialogue
    output: list[str] = field(default_factory=list)
    inside_thinking: bool = False


class _Collector:
    """The outlet of all items: gathers what the engine tells until each has ended."""

    def __init__(self, places: threading.Semaphore) -> None:
        self.pending: dict[str, _Pending] = {}
        self.answers: dict[str, Answer] = {}
        self._places = places

    def deliver(self, tells: list[Tell]) -> None:
        for tell in tells:
            self._take(tell)

    def end_all(self, error: str) -> None:
        for item_id in list(self.pending):
            self._end(item_id, Answer(error=error))

    def _take(self, tell: Tell) -> None:
        match tell:
            case Started(id=item_id):
                self.pending[item_id].inside_thinking = tell.inside_thinking
            case Piece(id=item_id, text=text):
                self.pending[item_id].output.append(text)
            case Done(id=item_id):
                self._end(item_id, _read(self.pending[item_id], tell))
            case Failed(id=item_id, message=message):
                self._end(item_id, Answer(error=message))
            case _:
                pass

    def _end(self, item_id: str, answer: Answer) -> None:
        if self.pending.pop(item_id, None) is not None:
            self.answers[item_id] = answer
            self._places.release()


def answer_items(folder: Path, items: Sequence[Item]) -> dict[str, Answer]:
    """Give the answer of a model to each item, by the item's id.

    Takes: folder, the model's. Items are decoded greedily, up to `TOGETHER` at the same time.
    """
    places = threading.Semaphore(TOGETHER)
    collector = _Collector(places)
    with _open_engine(folder, collector) as engine:
        for item in items:
            places.acquire()
            dialogue = dialogue_from_item(item)
            collector.pending[item.id] = _Pending(dialogue)
            engine.generate(Call(item.id, collector), dialogue)
        for _ in range(TOGETHER):
            places.acquire()
    return collector.answers


@contextmanager
def _open_engine(folder: Path, collector: _Collector) -> Iterator[Engine]:
    engine = Engine(folder, lambda error: collector.end_all(f"the engine failed with {type(error).__name__}: {error}"))
    try:
        yield engine
    finally:
        engine.close()


def _read(pending: _Pending, done: Done) -> Answer:
    """Read a raw output as the served path does."""
    dialogue = pending.dialogue
    reader = DialectReader(dialogue.tools, thinking=dialogue.thinking, inside_thinking=pending.inside_thinking)
    events = reader.feed("".join(pending.output))
    events += reader.cut() if done.reason == "length" else reader.close()
    return answer_from_events(events, done.output_tokens)


def answer_from_events(events: Sequence[Event], output_tokens: int) -> Answer:
    """Put the events of an answer together."""
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    names = {event.index: event.name for event in events if isinstance(event, ToolCallStart)}
    arguments = dict.fromkeys(names, "")
    for event in events:
        if isinstance(event, ToolCallDelta):
            arguments[event.index] += event.arguments
    calls = tuple(MadeCall(name, _json_object(arguments[index])) for index, name in names.items())
    return Answer(text.strip(), reasoning.strip(), calls, output_tokens)


def _json_object(text: str) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, object])
    except msgspec.MsgspecError:
        return None
