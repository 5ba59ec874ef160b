"""Said: what the model says in each content, in terms of no protocol."""

from typing import NamedTuple

from tests.fault_server.scenario import Scenario

INPUT_TOKENS = 19
CACHED_TOKENS = 4
OUTPUT_TOKENS = 7
THOUGHT = ("Let me ", "think.")
CALLS = (("call_one", "get_weather", '{"city": "Paris"}'), ("call_two", "get_weather", '{"city": "Rome"}'))
ODD_TEXT = ("line\u2028separator", " and \u2029 and \u0085", " naïve 食べる 🌾", "\r\n tab\t")
HUGE_CHARS = 1_000_000


class Said(NamedTuple):
    """An answer in pieces."""

    thought: tuple[str, ...]
    text: tuple[str, ...]
    calls: tuple[tuple[str, str, str], ...]


def say(scenario: Scenario) -> Said:
    """Give what the model says."""
    match scenario.content:
        case "text":
            return Said((), tuple(f"word{number} " for number in range(scenario.tokens)), ())
        case "thinking":
            return Said(THOUGHT, tuple(f"word{number} " for number in range(scenario.tokens)), ())
        case "tools":
            return Said((), (), CALLS[:1])
        case "parallel":
            return Said((), (), CALLS)
        case "huge":
            return Said((), ("x" * HUGE_CHARS,), ())
        case "unicode":
            return Said((), ODD_TEXT, ())
