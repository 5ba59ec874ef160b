"""Topics: questions about the platform in many wordings, with the one answer of each topic."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from training.generate import noise
from training.generate.draw import Draw
from training.generate.sample import Turn

_HERE = Path(__file__).parent
_TOPICS = _HERE.parent / "topics.json"
_WORDINGS = "wordings*.txt"
_SHARE_CANONICAL = 0.15
_SHARE_BY_RULE = 0.25
_SHARE_ROUGH = 0.33
_THOUGHTS = {
    "en": "The user asks about Setaria. I know this.",
    "zh": "用户问的是 Setaria，我知道。",  # noqa: RUF001 - Chinese marks
}

# How a question may be asked otherwise: a pattern, and what its rest may follow.
_RULES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (
        re.compile(r"^How (?:do|can|should) I (.+?)\?$"),
        (
            "How can I {}?",
            "How to {}?",
            "How do I {}?",
            "I want to {}",
            "I need to {}",
            "What must I do to {}?",
            "Tell me how to {}",
            "Please explain how to {}",
            "What is the way to {}?",
            "Can you tell me how I {}?",
            "I do not know how to {}",
            "Is there a way to {}?",
            "How would I {}?",
            "Steps to {}",
            "{}",
            "Show me how to {}",
            "how do you {}?",
            "Help me {}",
        ),
    ),
    (
        re.compile(r"^What (?:is|are) (.+?)\?$"),
        (
            "Explain {}",
            "Tell me about {}",
            "What's {}?",
            "{}?",
            "{}",
            "Can you explain {}?",
            "I want to know {}",
            "Please tell me {}",
            "Do you know {}?",
            "Can you tell me what {} is?",
            "What exactly is {}?",
            "I do not understand {}",
            "Could you tell me {}?",
            "Give me {}",
        ),
    ),
    (
        re.compile(r"^What does (.+?) mean\?$"),
        (
            "What is {}?",
            "Explain {}",
            "Meaning of {}",
            "{}?",
            "I see {}, what is it?",
            "I do not understand {}",
            "Tell me what {} means",
            "What is the meaning of {}?",
            "why {}",
            "I got {}",
            "What can I do about {}?",
            "What to do on {}?",
        ),
    ),
    (
        re.compile(r"^What does (.+?) do\?$"),
        (
            "What is {}?",
            "Explain {}",
            "What is {} for?",
            "{}?",
            "How does {} work?",
            "Tell me about {}",
            "What is {} good for?",
        ),
    ),
    (
        re.compile(r"^Where (?:is|are) (.+?)\?$"),
        (
            "Where do I find {}?",
            "Where can I find {}?",
            "I am looking for {}",
            "I cannot find {}",
            "Show me where {} is",
            "Tell me where to find {}",
            "{}?",
            "In which place is {}?",
            "location of {}",
        ),
    ),
    (
        re.compile(r"^Which (.+?) are there\?$"),
        (
            "List the {}",
            "What {} are there?",
            "Show me the {}",
            "Tell me the {}",
            "What {} exist?",
            "Name the {}",
            "all {}",
        ),
    ),
    (
        re.compile(r"^Can (?:I|you) (.+?)\?$"),
        (
            "Is it possible to {}?",
            "Am I able to {}?",
            "May I {}?",
            "Could I {}?",
            "I want to {}",
            "Is there a way to {}?",
            "I would like to know if I can {}",
        ),
    ),
    (
        re.compile(r"^(?:Is|Are) (.+?)\?$"),
        ("Tell me, is {}?", "I wonder: {}?", "Do you know if {}?", "{}?", "What about {}?"),
    ),
)
_ASIDES = (
    "{} I am new here.",
    "I have a question. {}",
    "One more thing: {}",
    "About Setaria: {}",
    "{} I could not find it.",
    "Sorry, {}",
    "@seedling {}",
    "{} (Setaria)",
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its canonical question, the other wordings, and the answer."""

    language: str
    question: str
    wordings: tuple[str, ...]
    answer: str


def topic_turn(draw: Draw) -> Turn:
    """Ask about one of the topics, in its own words or others."""
    topics = platform_topics()
    english = [topic for topic in topics if topic.language == "en"]
    chinese = [topic for topic in topics if topic.language == "zh"]
    topic = draw.one(chinese if draw.chance(0.12) else english)
    return Turn(_question(draw, topic), _THOUGHTS[topic.language], topic.answer)


def fallback(language: str) -> str:
    """Give the honest answer to what the model cannot know."""
    answers: dict[str, str] = json.loads(_read_topics())["fallback"]
    return answers[language]


@cache
def platform_topics() -> tuple[Topic, ...]:
    """Read the topics with their wordings.

    Raises: KeyError for a topic that none of the files has.
    """
    wordings: dict[str, tuple[str, ...]] = {}
    lines = [line for path in sorted(_HERE.glob(_WORDINGS)) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line and not line.startswith("#"):
            name, _, rest = line.partition(": ")
            wordings[name] = (*wordings.get(name, ()), *rest.split(" / "))
    topics = json.loads(_read_topics())["topics"]
    return tuple(
        Topic(topic["language"], topic["question"], wordings[topic["id"]], topic["answer"]) for topic in topics
    )


@cache
def _read_topics() -> str:
    return _TOPICS.read_text(encoding="utf-8")


def _question(draw: Draw, topic: Topic) -> str:
    turn = draw.random.random()
    if turn < _SHARE_CANONICAL:
        return topic.question
    base = draw.one((topic.question, *topic.wordings))
    if topic.language == "zh":
        return _in_chinese(draw, base)
    if turn < _SHARE_CANONICAL + _SHARE_BY_RULE:
        base = _by_rule(draw, base)
    if draw.chance(_SHARE_ROUGH):
        base = noise.roughen(draw, base)
    if draw.chance(0.06):
        base = draw.one(_ASIDES).format(base)
    return noise.frame(draw, base)


def _by_rule(draw: Draw, question: str) -> str:
    for pattern, shapes in _RULES:
        found = pattern.match(question)
        if found:
            text = draw.one(shapes).replace("{}", found[1])
            return text[:1].upper() + text[1:]
    return question


def _in_chinese(draw: Draw, question: str) -> str:
    turn = draw.random.random()
    if turn < 0.12:
        return draw.one(("请问", "你好，", "请问一下，", "我想知道")) + question  # noqa: RUF001 - Chinese marks
    if turn < 0.3:
        return question.rstrip("？")  # noqa: RUF001 - as above
    if turn < 0.36:
        return question.replace("？", "?")  # noqa: RUF001 - as above
    if turn < 0.42:
        return question.replace(" ", "")
    return question
