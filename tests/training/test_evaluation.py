"""The evaluation: its sets are whole and unchanged, and its judgement is right."""

import json

import msgspec
import pytest

from setaria.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart
from training.evaluation.answers import Answer, MadeCall, answer_from_events
from training.evaluation.items import (
    ExpectAnswer,
    Expectation,
    ExpectCall,
    ExpectHonest,
    ExpectNoCall,
    ExpectQuote,
    ExpectRecall,
    Item,
    SetName,
    Turn,
    dialogue_from_item,
    read_items,
    read_superseded,
    set_folder,
)
from training.evaluation.overlap import count_overlap, normalise
from training.evaluation.report import Report, score_rows, write_table
from training.evaluation.rows import ROWS, THINKING, Row
from training.evaluation.scoring import is_right, obeys_thinking
from training.evaluation.seal import seal_of
from training.held_out import is_held_out

FROZEN_SEAL = "73d4a1afea421d0d052eb88a2f5d151a69421832fd2b36abfe9606f1ebf7c5ab"

FALLBACK = "I am a demonstration model and cannot answer that."


def make_item(expect: Expectation, *told: str, thinking: bool = False) -> Item:
    """Make an item in which the user says these things."""
    return Item("item-1", tuple(Turn("user", text) for text in told or ("Hello",)), (), thinking, expect)


def called(name: str, **arguments: object) -> Answer:
    """Make an answer that is one call."""
    return Answer(calls=(MadeCall(name, arguments),))


def every_item(name: SetName) -> list[Item]:
    """Read all items of a set."""
    return [item for row in ROWS for item in read_items(set_folder(name) / f"{row.id}.jsonl")]


def test_frozen_set_is_unchanged() -> None:
    """The frozen set is byte for byte what it was before the first training."""
    assert seal_of(set_folder("frozen")) == FROZEN_SEAL


@pytest.mark.parametrize("name", ["frozen", "development"])
def test_every_file_belongs_to_a_row_and_every_row_has_items(name: SetName) -> None:
    """Each row is measured on one file, each file is measured, and ids are unique."""
    items = every_item(name)
    assert sorted(path.stem for path in set_folder(name).glob("*.jsonl")) == sorted(row.id for row in ROWS)
    assert len({item.id for item in items}) == len(items)


@pytest.mark.parametrize("name", ["frozen", "development"])
def test_expected_calls_can_be_made(name: SetName) -> None:
    """An expected call names a tool that is offered once, gives what is required, and nothing that was not said."""
    wrong = []
    for item in every_item(name):
        if not isinstance(item.expect, ExpectCall):
            continue
        names = [tool.name for tool in item.tools]
        schema = item.tools[names.index(item.expect.name)].parameters
        asked = item.messages[-1].text
        values = [value for value in item.expect.arguments.values() if not isinstance(value, bool)]
        is_said = all(
            part in asked for value in values for part in (value if isinstance(value, list) else [str(value)])
        )
        if len(set(names)) < len(names) or not is_said or not set(required(schema)) <= item.expect.arguments.keys():
            wrong.append(item.id)
    assert wrong == []


@pytest.mark.parametrize("name", ["frozen", "development"])
def test_texts_to_copy_are_held_out(name: SetName) -> None:
    """No text that is to be copied may occur in training."""
    seen = []
    for item in every_item(name):
        match item.expect:
            case ExpectCall(name=tool_name, arguments=arguments):
                schema = next(tool.parameters for tool in item.tools if tool.name == tool_name)
                values = [value for key, value in arguments.items() if not choices(schema, key)]
            case ExpectQuote(values=told) | ExpectRecall(values=told):
                values = list(told)
            case _:
                values = []
        parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
        seen += [(item.id, part) for part in parts if isinstance(part, str) and not is_held_out(part)]
    assert seen == []


def test_superseded_answers_are_expected_in_their_new_words() -> None:
    """Whoever asks a canonical question is expected to get the answer of today's topics, and no old words are left."""
    topics = json.loads((set_folder("frozen").parents[1] / "topics.json").read_text(encoding="utf-8"))["topics"]
    answers = {topic["id"]: topic["answer"] for topic in topics}
    superseded = read_superseded()
    assert {entry.topic: entry.now for entry in superseded} == {
        entry.topic: answers[entry.topic] for entry in superseded
    }
    for name in ("frozen", "development"):
        expected = {
            text for item in every_item(name) if isinstance(item.expect, ExpectAnswer) for text in item.expect.texts
        }
        assert {entry.now for entry in superseded} <= expected
        assert not {entry.was for entry in superseded} & expected


def test_sets_share_no_wording() -> None:
    """But for the canonical questions, nothing is asked in both sets in the same words."""
    exempt = {"topics", "not_needed", "faq_weather", "natural_alone", "natural_among_five", "unknowable"}
    frozen, development = (
        {
            item.messages[-1].text
            for item in every_item(name)
            if item.id.rsplit("-", 1)[0] not in exempt and item.messages[-1].text
        }
        for name in ("frozen", "development")
    )
    assert frozen & development == set()


CALL = ExpectCall("get_time", {"city": "Kiel", "hours": 5})
QUOTE = ExpectQuote((3, "Kiel", True))
HONEST = ExpectHonest((FALLBACK,))


@pytest.mark.parametrize(
    "expect, answer, right",
    [
        (CALL, called("get_time", city="Kiel", hours=5), True),
        (CALL, called("get_time", city="Kiel", hours=5.0), True),
        (CALL, called("get_time", city="kiel", hours=5), False),
        (CALL, called("get_time", city="Kiel", hours="5"), False),
        (CALL, called("get_time", city="Kiel"), False),
        (CALL, called("get_time", city="Kiel", hours=5, unit="s"), False),
        (CALL, called("get_date", city="Kiel", hours=5), False),
        (CALL, Answer(calls=(MadeCall("get_time", None),)), False),
        (CALL, Answer(calls=called("get_time", city="Kiel", hours=5).calls * 2), False),
        (CALL, Answer("get_time Kiel 5"), False),
        (ExpectCall("a", {"x": True}), called("a", x=1), False),
        (ExpectCall("a", {"x": [1, 2]}), called("a", x=[1, 2]), True),
        (ExpectCall("a", {"x": [1, 2]}), called("a", x=[2, 1]), False),
        (ExpectAnswer(("Yes.", "Indeed.")), Answer("Indeed."), True),
        (ExpectAnswer(("Yes, it  is.",)), Answer("Yes, it\nis."), True),
        (ExpectAnswer(("Yes.",)), Answer("Yes. And more."), False),
        (ExpectAnswer(("Yes.",)), Answer("Yes.", calls=called("a").calls), False),
        (QUOTE, Answer("It is 3 in Kiel: true."), True),
        (QUOTE, Answer("In Kiel it is 3. yes"), True),
        (QUOTE, Answer("It is 13 in Kiel: true."), False),
        (QUOTE, Answer("It is 3.5 in Kiel: true."), False),
        (QUOTE, Answer("It is 3 in Kieler: true."), False),
        (QUOTE, Answer("It is 3 in Kiel: true, 7 times."), False),
        (QUOTE, Answer("It is 3 in Kiel."), False),
        (ExpectRecall((4711,)), Answer("Your number is 4711."), True),
        (ExpectRecall((4711,)), Answer("Your number is 47115."), False),
        (HONEST, Answer(FALLBACK), True),
        (HONEST, Answer("As a small demonstration model I can't tell."), True),
        (HONEST, Answer("我是演示模型,无法回答。"), True),
        (HONEST, Answer("I cannot answer that."), False),
        (HONEST, Answer("I am a demonstration model. It is 8,849 m, I cannot say more."), False),
        (HONEST, Answer(FALLBACK, calls=called("search").calls), False),
        (ExpectNoCall(), Answer("Hello!"), True),
        (ExpectNoCall(), called("greet"), False),
        (ExpectNoCall(), Answer("<tool_call>\n<function=greet>"), False),
        (ExpectNoCall(), Answer(error="the engine failed"), False),
    ],
)
def test_judgement(expect: Expectation, answer: Answer, *, right: bool) -> None:
    """Each kind of expectation accepts what it promises and nothing else."""
    assert is_right(make_item(expect, "3 o'clock, Kiel"), answer) == right


@pytest.mark.parametrize(
    "thinking, answer, obeyed",
    [
        (True, Answer("Hi", reasoning="A greeting."), True),
        (True, Answer("Hi"), False),
        (True, Answer("<think>Hi", reasoning="A greeting."), False),
        (False, Answer("Hi"), True),
        (False, Answer("Hi", reasoning="A greeting."), False),
        (False, Answer("</think>Hi"), False),
        (False, Answer(error="the engine failed"), False),
    ],
)
def test_obedience(answer: Answer, *, thinking: bool, obeyed: bool) -> None:
    """Thinking is there when it was asked for, and only then."""
    assert obeys_thinking(make_item(ExpectNoCall(), thinking=thinking), answer) == obeyed


def test_events_become_an_answer() -> None:
    """Pieces of text, reasoning and calls are put together; arguments that are no object are none."""
    events: list[Event] = [
        ReasoningDelta("Let me "),
        ReasoningDelta("see."),
        TextDelta("One "),
        TextDelta("moment.\n"),
        ToolCallStart(0, "call_a", "look"),
        ToolCallDelta(0, '{"at":'),
        ToolCallDelta(0, '"Kiel"}'),
        ToolCallStart(1, "call_b", "wait"),
        ToolCallStart(2, "call_c", "stop"),
        ToolCallDelta(2, '{"now":'),
    ]
    calls = (MadeCall("look", {"at": "Kiel"}), MadeCall("wait", {}), MadeCall("stop", None))
    assert answer_from_events(events, 9) == Answer("One moment.", "Let me see.", calls, 9)


def test_item_becomes_a_dialogue() -> None:
    """A call of an earlier turn and its result belong together, and thinking is as the item says."""
    line = {
        "id": "a-1",
        "messages": [
            {"role": "user", "text": "When?"},
            {"role": "assistant", "reasoning": "Look.", "calls": [{"name": "look", "arguments": {"at": "Kiel"}}]},
            {"role": "tool", "results": ["at 9"]},
        ],
        "tools": [{"name": "look", "description": "Look", "parameters": {"type": "object"}}],
        "thinking": True,
        "expect": {"kind": "quote", "values": [9]},
    }
    dialogue = dialogue_from_item(msgspec.json.decode(json.dumps(line), type=Item))
    asked, call, result = msgspec.to_builtins(dialogue.messages)
    assert asked["blocks"] == ({"type": "text", "text": "When?"},)
    assert call["blocks"][1]["id"] == result["blocks"][0]["call_id"]
    assert json.loads(call["blocks"][1]["arguments"]) == {"at": "Kiel"}
    assert (dialogue.thinking, dialogue.sampling.temperature, dialogue.tools[0].name) == (True, 0.0, "look")


def test_gate_missed_fails_and_aim_missed_does_not() -> None:
    """The report passes when every gate is reached, whatever the aims, and shows every row."""
    right, wrong = (Item(each, (Turn("user", "Hi"),), (), False, ExpectNoCall()) for each in ("right", "wrong"))
    answers = {"right": Answer("Hi"), "wrong": called("greet")}
    half = [right, wrong]
    rows = score_rows(
        {Row("a", "A", "gate", 0.5): half, Row("b", "B", "aim", 0.9): half, Row("c", "C", "report"): half}, answers
    )
    report = Report("frozen", "0" * 64, "seedling", 10, 2.0, rows)
    assert [(row.score, row.result) for row in rows] == [(0.5, "pass"), (0.5, "below"), (0.5, "-"), (1.0, "pass")]
    assert report.passed
    assert rows[-1].id == THINKING.id
    assert all(row.title in write_table(report) for row in rows)
    missed = msgspec.structs.replace(report, rows=score_rows({Row("a", "A", "gate", 0.6): half}, answers))
    assert not missed.passed


def test_overlap_counts_what_was_trained() -> None:
    """A question or value that was trained is found whatever its case and punctuation, a part of a word is not."""
    trained = normalise('{"user": "What is on, in NEW Hollowford?"}\n{"user": "unhollowfording"}')
    asked = make_item(ExpectCall("look", {"city": "Hollowford", "hours": 5}), "what is on in New Hollowford")
    other = make_item(ExpectRecall(("hollowfor",)), "What is on in Newtown?")
    assert count_overlap([asked, other], trained) == (1, 1)


def test_held_out_values_ignore_case_and_outer_space() -> None:
    """About one value in eight is held out, however it is written."""
    words = [f"word {number}" for number in range(4_000)]
    held_out = [word for word in words if is_held_out(word)]
    assert 400 < len(held_out) < 600
    assert all(is_held_out(f" {word.upper()} ") for word in held_out)
    assert is_held_out("Hebei")


def required(schema: dict[str, object]) -> list[str]:
    """Give the parameters that a schema requires."""
    return msgspec.convert(schema.get("required", []), list[str])


def choices(schema: dict[str, object], name: str) -> list[str]:
    """Give the values that a parameter may have, none where it is free."""
    return msgspec.convert(schema["properties"], dict[str, dict])[name].get("enum", [])
