"""Items: the dialogues of a test set, one JSON line each, and what is expected of the answer."""

from pathlib import Path
from typing import Literal

import msgspec

from setaria.core.dialogue import Block, Dialogue, Message, Reasoning, Role, Sampling, Text, Tool, ToolCall, ToolResult

SetName = Literal["frozen", "development"]

MAX_OUTPUT_TOKENS = 400  # the longest answer that is expected takes some 200

_FOLDER = Path(__file__).parent
_SUPERSEDED = _FOLDER / "superseded.json"
_GREEDY = Sampling(temperature=0.0, top_p=1.0)


class CallTurn(msgspec.Struct, frozen=True):
    """A call that the model made earlier."""

    name: str
    arguments: dict[str, object]


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message; `results` answer the calls of the turn before, in their order."""

    role: Role
    text: str = ""
    reasoning: str = ""
    calls: tuple[CallTurn, ...] = ()
    results: tuple[str, ...] = ()


class OfferedTool(msgspec.Struct, frozen=True):
    """A function that may be called; `parameters` is its JSON Schema."""

    name: str
    description: str
    parameters: dict[str, object]


class ExpectCall(msgspec.Struct, frozen=True, tag="call", tag_field="kind"):
    """Exactly this one call."""

    name: str
    arguments: dict[str, object]


class ExpectAnswer(msgspec.Struct, frozen=True, tag="answer", tag_field="kind"):
    """One of these texts, letter for letter."""

    texts: tuple[str, ...]


class ExpectQuote(msgspec.Struct, frozen=True, tag="quote", tag_field="kind"):
    """All of these values, and no number that the conversation does not have."""

    values: tuple[object, ...]


class ExpectRecall(msgspec.Struct, frozen=True, tag="recall", tag_field="kind"):
    """All of these values."""

    values: tuple[object, ...]


class ExpectHonest(msgspec.Struct, frozen=True, tag="honest", tag_field="kind"):
    """That the model says what it is and that it cannot answer, no more; the agreed words are among `texts`."""

    texts: tuple[str, ...]


class ExpectNoCall(msgspec.Struct, frozen=True, tag="no_call", tag_field="kind"):
    """No call, neither made nor written as text."""


Expectation = ExpectCall | ExpectAnswer | ExpectQuote | ExpectRecall | ExpectHonest | ExpectNoCall


class Item(msgspec.Struct, frozen=True):
    """One dialogue to be answered; `id` is unique within its set."""

    id: str
    messages: tuple[Turn, ...]
    tools: tuple[OfferedTool, ...]
    thinking: bool
    expect: Expectation


_decode = msgspec.json.Decoder(Item).decode


def set_folder(name: SetName) -> Path:
    """Give the folder of a test set."""
    return _FOLDER / name


class Superseded(msgspec.Struct, frozen=True):
    """An answer that was true of the platform when the sets were written, and the one that is true now."""

    topic: str
    was: str
    now: str


def read_superseded() -> list[Superseded]:
    """Read which expected answers the platform has outgrown."""
    return msgspec.json.decode(_SUPERSEDED.read_bytes(), type=list[Superseded])


def read_items(path: Path) -> list[Item]:
    """Read the items of one file; an answer that the platform has outgrown is expected in its new words.

    Raises: msgspec.ValidationError for a line that is no item.
    """
    renewed = {entry.was: entry.now for entry in read_superseded()}
    return [_renew(_decode(line), renewed) for line in path.read_bytes().split(b"\n") if line]


def _renew(item: Item, renewed: dict[str, str]) -> Item:
    if not isinstance(item.expect, ExpectAnswer):
        return item
    texts = tuple(renewed.get(text, text) for text in item.expect.texts)
    return msgspec.structs.replace(item, expect=ExpectAnswer(texts))


def dialogue_from_item(item: Item) -> Dialogue:
    """Give an item as the dialogue that the engine is asked, to be decoded greedily."""
    messages: list[Message] = []
    call_ids: list[str] = []
    for number, turn in enumerate(item.messages):
        results: list[Block] = [
            ToolResult(call_id, (Text(result),)) for call_id, result in zip(call_ids, turn.results, strict=False)
        ]
        call_ids = [f"call_{number}_{index}" for index in range(len(turn.calls))]
        messages.append(Message(turn.role, tuple(results or _blocks(turn, call_ids))))
    return Dialogue(
        messages=tuple(messages),
        thinking=item.thinking,
        max_output_tokens=MAX_OUTPUT_TOKENS,
        sampling=_GREEDY,
        tools=tuple(Tool(tool.name, tool.description, msgspec.json.encode(tool.parameters)) for tool in item.tools),
    )


def _blocks(turn: Turn, call_ids: list[str]) -> list[Block]:
    blocks: list[Block] = []
    if turn.reasoning:
        blocks.append(Reasoning(turn.reasoning))
    if turn.text:
        blocks.append(Text(turn.text))
    for call_id, call in zip(call_ids, turn.calls, strict=True):
        blocks.append(ToolCall(call_id, call.name, msgspec.json.encode(call.arguments).decode()))
    return blocks
