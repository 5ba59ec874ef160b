"""Unknown: what the model cannot know, do or decide, as varied as can be; the answer is always the honest one."""

import re
import string
from functools import cache
from pathlib import Path

from training.generate import noise
from training.generate.choices import THOUGHT_UNFIT
from training.generate.draw import Draw
from training.generate.family import Family, ask
from training.generate.sample import Turn
from training.generate.topics import fallback
from training.generate.values import draw_text

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"\b(?:[A-Z]{2,}|\w{4,})\b")
_SHARE_OTHER_WORD = 0.35
_THOUGHT = "I do not know this. I say so honestly."
_THOUGHT_CHINESE = "我不知道这个，我如实说明。"  # noqa: RUF001 - Chinese marks
_CHINESE: dict[str, tuple[str, ...]] = {
    "city": ("北京", "上海", "广州", "深圳", "杭州", "成都", "东京", "巴黎", "伦敦", "纽约"),
    "country": ("法国", "德国", "日本", "美国", "英国", "中国", "印度", "巴西", "西班牙", "俄罗斯"),
    "noun": (
        "苹果",
        "猫",
        "狗",
        "汽车",
        "手机",
        "电脑",
        "音乐",
        "历史",
        "数学",
        "物理",
        "咖啡",
        "茶",
        "足球",
        "电影",
        "房子",
        "花",
        "鱼",
        "牛奶",
        "面包",
        "红烧肉",
        "饺子",
        "人工智能",
        "量子",
        "经济",
        "股票",
        "吉他",
        "月亮",
        "火箭",
        "恐龙",
        "龙",
    ),
}
_SYMBOLS = "!?#*&%$@;:,.-_=+/\\|<>()[]{}0123456789"


def unknown_turn(draw: Draw, *, with_tools: bool) -> Turn:
    """Ask for something that nobody told the model."""
    if draw.chance(0.07):
        text = _fill_chinese(draw, draw.one(_lines("unknown_chinese.txt")))
        return Turn(text, _THOUGHT_CHINESE, fallback("zh"))
    return Turn(_english(draw, with_tools=with_tools), THOUGHT_UNFIT if with_tools else _THOUGHT, fallback("en"))


def unmet_turn(draw: Draw, family: Family, *, with_tools: bool) -> Turn:
    """Ask for what a tool could do that is not offered, or although none is."""
    return Turn(ask(draw, family).text, THOUGHT_UNFIT if with_tools else _THOUGHT, fallback("en"))


def _english(draw: Draw, *, with_tools: bool) -> str:
    lines = _lines("unknown.txt") if with_tools else _lines("unknown.txt") + _lines("unmet.txt")
    turn = draw.random.random()
    if turn < 0.74:
        text = _fill(draw, draw.one(lines))
        text = noise.frame(draw, _with_other_word(draw, text) if draw.chance(_SHARE_OTHER_WORD) else text)
    elif turn < 0.88:
        text = _mixed_words(draw)
    elif turn < 0.92:
        text = _gibberish(draw)
    elif turn < 0.96 and not with_tools:
        text = "\n".join(
            draw_text(draw, draw.one(("code", "text", "command", "query"))) for _ in range(draw.whole(2, 6))
        )
    else:
        text = " ".join(_fill(draw, draw.one(lines)) for _ in range(draw.whole(2, 3)))
    return noise.roughen(draw, text) if draw.chance(0.2) else text


def _with_other_word(draw: Draw, text: str) -> str:
    """Put another word in the place of one, not of the first: what is asked for is not known, whatever it is."""
    places = list(_WORD.finditer(text))[1:]
    if not places:
        return text
    place = draw.one(places)
    word = draw.word(draw.one(("noun", "city", "country"))) if draw.chance(0.5) else draw.invented_word()
    if place[0].isupper():
        word = "".join(draw.one(string.ascii_uppercase) for _ in range(draw.whole(2, 5)))
    elif place[0][0].isupper():
        word = word[:1].upper() + word[1:]
    return text[: place.start()] + word + text[place.end() :]


def _mixed_words(draw: Draw) -> str:
    """Put a question's head before words of every kind, so that no word means that the answer is known."""
    heads = (
        "What",
        "How",
        "Why",
        "Who",
        "Where",
        "When",
        "Which",
        "Can you",
        "Do",
        "Is",
        "Are",
        "Write",
        "Explain",
        "Tell me",
        "Give me",
        "Make",
        "Find",
        "Please",
        "Should",
        "Could",
        "I want",
        "My",
        "The",
        "If",
        "Let's",
        "Describe",
        "Help",
    )
    kinds = ("noun", "noun", "verb", "adjective", "function", "function", "function", "adverb", "given", "city")
    words = [draw.word(draw.one(kinds)) if draw.chance(0.9) else draw.invented_word() for _ in range(draw.whole(2, 9))]
    return f"{draw.one(heads)} {' '.join(words)}{draw.one(('?', '?', '.', '', '!'))}"


def _gibberish(draw: Draw) -> str:
    turn = draw.whole(0, 2)
    if turn == 0:
        return " ".join(draw.invented_word() for _ in range(draw.whole(1, 5)))
    if turn == 1:
        return "".join(draw.one(_SYMBOLS) for _ in range(draw.whole(1, 8)))
    return "".join(draw.one("asdfjklqwertzuiopghvbnm ") for _ in range(draw.whole(4, 16))).strip() or "x"


def _fill(draw: Draw, line: str) -> str:
    return _SLOT.sub(lambda found: _slot(draw, found[1]), line)


def _fill_chinese(draw: Draw, line: str) -> str:
    return _SLOT.sub(
        lambda found: str(draw.whole(2, 999)) if found[1] == "number" else draw.one(_CHINESE[found[1]]), line
    )


def _slot(draw: Draw, name: str) -> str:
    match name:
        case "count":
            return str(draw.whole(2, 20))
        case "number":
            return str(draw.whole(2, 9999))
        case "text" | "short" | "code" | "word" | "year":
            return draw_text(draw, name)
        case "name":
            return draw.name() if draw.chance(0.5) else draw.word("family")
        case "noun":
            return draw.word("noun") if draw.chance(0.85) else draw.invented_word()
        case _:
            return draw.word(name)


@cache
def _lines(name: str) -> tuple[str, ...]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
